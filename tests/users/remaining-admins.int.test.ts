import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { newAccount } from "../support/sessions.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
/** The only admin who may operate the shop. */
let admin: string;

beforeAll(async () => {
  shop = await startTestShop({ DB_POOL_MAX: "4" });
  await shop.signIn("first", 1);
});
afterAll(() => shop.stop());
beforeEach(async () => {
  await shop.databases.query("users", "UPDATE users SET type = 0", []);
  admin = await newAdmin(true);
});

async function newAdmin(mayOperate: boolean): Promise<string> {
  const { id } = await newAccount(shop, 1);
  if (!mayOperate) await shop.call("users.setRights", { id, mayOperate });
  return id;
}

type Removal = (id: string) => Promise<unknown>;

const removals: Record<string, Removal> = {
  "users.setType": (id) => shop.call("users.setType", { id, type: 0 }),
  "users.setRights": (id) => shop.call("users.setRights", { id, mayOperate: false }),
  "users.erase": (id) => shop.call("users.erase", { id }),
};
const actions = Object.keys(removals);
const remove = async (action: string, id: string) => removals[action]?.(id);

/** Returns the ids of the admins who may operate the shop. */
async function operatingAdmins(): Promise<string[]> {
  const sql = "SELECT id FROM users WHERE type = 1 AND may_operate";
  const rows = await shop.databases.query<{ id: string }>("users", sql, []);
  return rows.map(({ id }) => id);
}

test.each(actions)("%s by the operator keeps the only admin", async (action) => {
  await expect(remove(action, admin)).rejects.toMatchObject({ type: "LAST_ADMIN" });
  expect(await operatingAdmins()).toEqual([admin]);
});

test.each(actions)("%s by the operator keeps the only admin who may operate", async (action) => {
  await newAdmin(false);
  await expect(remove(action, admin)).rejects.toMatchObject({ type: "LAST_ADMIN" });
  expect(await operatingAdmins()).toEqual([admin]);
});

test.each(actions)("%s removes one of two admins who may operate", async (action) => {
  const second = await newAdmin(true);
  await remove(action, admin);
  expect(await operatingAdmins()).toEqual([second]);
});

test("an admin who may not operate can be demoted and erased", async () => {
  for (const action of ["users.setType", "users.erase"]) {
    await remove(action, await newAdmin(false));
  }
  expect(await operatingAdmins()).toEqual([admin]);
});

test("concurrent changes of all kinds keep one admin who may operate", async () => {
  const ids = [admin];
  for (let number = 1; number < 6; number += 1) ids.push(await newAdmin(true));
  const results = await Promise.allSettled(
    ids.map((id, index) => remove(actions[index % actions.length] ?? "", id)),
  );
  const rejected = results.filter(({ status }) => status === "rejected");
  expect(rejected).toMatchObject([{ reason: { type: "LAST_ADMIN" } }]);
  expect(await operatingAdmins()).toHaveLength(1);
});
