import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import {
  cleanUp,
  projectDir,
  startProgram,
  temporaryFolder,
} from "../../tools/support/processes.ts";
import { subscriptionsTo } from "../support/http/subscriptions.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
beforeAll(async () => {
  shop = await startTestShop();
});
afterAll(async () => {
  await cleanUp();
  await shop.stop();
});

/** Writes the client of docs/subscriptions.md into a folder with the project's packages. */
function writeClient(): string {
  const page = readFileSync(join(projectDir, "docs", "subscriptions.md"), "utf8");
  const [, example = ""] = /^```js\n(.*?)^```$/ms.exec(page) ?? [];
  const folder = temporaryFolder();
  symlinkSync(join(projectDir, "node_modules"), join(folder, "node_modules"));
  const file = join(folder, "subscribe.mjs");
  writeFileSync(file, example.replace("http://localhost:8080", shop.url));
  return file;
}

test("the client of docs/subscriptions.md prints the orders of its user without a global WebSocket", async () => {
  const { id, token } = await shop.signIn("ann");
  const mug = await putOnSale(shop, 5);
  // As on Node 20.
  const args = ["--no-experimental-websocket", writeClient()];
  const env = { EMAIL: "ann@example.com", PASSWORD: password };
  const client = startProgram(process.execPath, args, { env });
  await eventually("the subscription", () => subscriptionsTo(shop, "order.placed") === 1);
  const { order } = await placeOrder(shop, token, [mug, 2]);
  expect(order).toMatchObject({ user_id: id, price_total: 10 });
  await client.said(`{ id: '${order?.id ?? ""}', price_total: 10 }`);
});
