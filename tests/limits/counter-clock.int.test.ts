import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { Query } from "../../database/statements/prepared-statements.ts";
import { limitResets, pruneLimits } from "../../services/users/accounts/rate-limits.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";

let databases: TestDatabases;

beforeAll(async () => {
  databases = await cloneDatabases();
});
afterAll(() => databases.drop());

test("a node with another clock neither resets nor removes the counters of the others", async () => {
  const sender = { actor: { kind: "anonymous" }, address: "127.1.0.1" } as const;
  const query: Query = (text, bind) => databases.query("users", text, bind);
  for (let n = 0; n < 30; n += 1) await limitResets(query, sender);
  const clock = jest.spyOn(Date, "now").mockReturnValue(Date.now() + 86_400_000);
  try {
    await pruneLimits(query);
    await expect(limitResets(query, sender)).rejects.toMatchObject({ type: "TOO_MANY_REQUESTS" });
  } finally {
    clock.mockRestore();
  }
});
