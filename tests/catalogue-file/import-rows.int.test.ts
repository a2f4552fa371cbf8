import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { RowImport } from "../../commands/catalogue-file/import-rows.ts";
import type { FileFormat } from "../../commands/catalogue-file/file-arguments.ts";
import { readRows } from "../../commands/catalogue-file/read-rows.ts";
import { headOf, linesOf } from "../../commands/catalogue-file/write-rows.ts";
import type { Product } from "../../services/products/products.contract.ts";
import { booksThatDiffer } from "../support/consistency/books.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { unknownId } from "../support/graphql/mutations.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "import-"));
  shop = await startTestShop();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  const differing = await booksThatDiffer(shop.databases);
  await shop.stop();
  expect(differing).toEqual([]);
});

interface ImportOptions {
  isDryRun?: boolean;
  format?: FileFormat;
  batchRows?: number;
}

/** Imports the text of a file in batches. Returns the counts and the failed lines. */
async function importFile(
  content: string,
  { isDryRun = false, format = "csv", batchRows = 100 }: ImportOptions = {},
) {
  const file = join(folder, "file");
  writeFileSync(file, content);
  const faults: [line: number, reason: string, code: string][] = [];
  const rowImport = new RowImport(shop.broker, {
    isDryRun,
    onFault: (line, reason, code) => faults.push([line, reason, code]),
    onWait: () => undefined,
  });
  let batch = [];
  for await (const row of readRows(file, format).rows) {
    if (batch.push(row) < batchRows) continue;
    await rowImport.import(batch);
    batch = [];
  }
  await rowImport.import(batch);
  return { ...rowImport.counts, faults };
}

const bySku = (sku: string) => shop.call<Product>("products.getBySku", { sku });
const lastPosition = async () => {
  const sql = "SELECT position::integer AS position FROM event_log_head";
  const [head] = await shop.databases.query<{ position: number }>("products", sql);
  return head?.position;
};

describe("an import", () => {
  test("creates unknown products, changes known ones, and changes nothing when it is repeated", async () => {
    const content = "sku,name,description,price,stock\nI-1,Mug,blue,5,3\nI-2,Cup,,6,0\n";
    const whole = { created: 2, updated: 0, unchanged: 0, failed: 0, faults: [] };
    expect(await importFile(content, { isDryRun: true })).toEqual(whole);
    await expect(bySku("I-1")).rejects.toMatchObject({ type: "PRODUCT_NOT_FOUND" });
    expect(await importFile(content)).toEqual(whole);
    const { id } = await bySku("I-1");
    const head = await lastPosition();
    expect(await importFile(content)).toMatchObject({ created: 0, unchanged: 2 });
    expect(await lastPosition()).toBe(head);
    const changes = `id,sku,name,price,stock\n${id},I-9,,7,\n,I-2,Tasse,,9\n`;
    expect(await importFile(changes, { isDryRun: true })).toMatchObject({ updated: 2, failed: 0 });
    expect(await importFile(changes)).toMatchObject({ updated: 2, failed: 0 });
    expect(await bySku("I-9")).toMatchObject({ id, name: "Mug", price: 7, stock: 3, version: 2 });
    expect(await bySku("I-2")).toMatchObject({ name: "Tasse", price: 6, stock: 9, version: 2 });
  });

  test("lists bad rows with line and reason, and imports the others", async () => {
    await importFile("sku,name,price\nF-0,Mug,5\nF-1,Mug,5\nF-2,Mug,5\n");
    const { id } = await bySku("F-1");
    const content = [
      "id,sku,name,price,version",
      ",F-3,,5,",
      ",F-4,Good,5,",
      ",,No key,5,",
      `${id},F-2,,,`,
      `${unknownId.replace("7000", "4000")},,Old id,5,`,
      ",F-0,,8,7",
      ",F-5,Negative,-5,",
      "F-6,6",
      ",F-7,Cents,9.90,",
    ].join("\n");
    const expected = [
      [2, /name/, "BAD_USER_INPUT"],
      [4, /neither an id nor an SKU/, "BAD_USER_INPUT"],
      [5, /^Another product of the catalogue has this SKU/, "SKU_TAKEN"],
      [6, /version 7/, "BAD_USER_INPUT"],
      [7, /^The product was changed meanwhile: it has version 1/, "VERSION_CONFLICT"],
      [8, /price/, "BAD_USER_INPUT"],
      [9, /^The row has 2 cells/, "BAD_USER_INPUT"],
      [10, /^'price' must be a whole number/, "BAD_USER_INPUT"],
    ];
    const messages = [];
    for (const isDryRun of [true, false]) {
      const { faults, ...counts } = await importFile(content, { isDryRun });
      expect(counts).toEqual({ created: 1, updated: 0, unchanged: 0, failed: 8 });
      expect(faults).toEqual(
        expected.map(([line, reason, code]) => [
          line,
          expect.stringMatching(reason as RegExp),
          code,
        ]),
      );
      messages.push(faults);
    }
    expect(messages[0]).toEqual(messages[1]);
    expect(await bySku("F-4")).toMatchObject({ name: "Good" });
  });

  test("rejects the ids of a user and of an order, and creates nothing", async () => {
    const { id: userId, token } = await shop.signIn("ann");
    const { order } = await placeOrder(shop, token, [await putOnSale(shop, 5), 1]);
    await eventually("the user is known", async () => {
      const sql = "SELECT id FROM known_users WHERE id = $1";
      return (await shop.databases.query("products", sql, [userId])).length > 0;
    });
    const ids = [userId, order?.id ?? "", "ffffffff-ffff-7fff-bfff-ffffffffffff"];
    const rows = ids.map((id) => `${id},Mug,5`);
    const { created, faults } = await importFile(["id,name,price", ...rows].join("\n"));
    expect(created).toBe(0);
    const other = "The id belongs to another object.";
    const code = "BAD_USER_INPUT";
    expect(faults).toEqual([
      [2, other, code],
      [3, other, code],
      [4, "'id' has a time in the future.", code],
    ]);
  });

  test("applies the first row of a product and fails the others, also when it is repeated", async () => {
    await importFile("sku,name,price\nO-2,Mug,5\n");
    const { id } = await bySku("O-2");
    const content = [
      "id,sku,name,price",
      ",O-1,First,1",
      `${id},,Cup,`,
      ",O-1,Second,2",
      ",O-2,Jug,",
      `${id.toUpperCase()},,Pot,`,
    ].join("\n");
    const failed = [
      [4, "Line 2 has the same SKU. A file can have one row per product.", "BAD_USER_INPUT"],
      [5, "Line 3 names the same product. A file can have one row per product.", "BAD_USER_INPUT"],
      [6, "Line 3 has the same id. A file can have one row per product.", "BAD_USER_INPUT"],
    ];
    const first = { created: 1, updated: 1, unchanged: 0, failed: 3, faults: failed };
    expect(await importFile(content, { isDryRun: true })).toEqual(first);
    expect(await importFile(content, { batchRows: 2 })).toEqual(first);
    const repeated = { created: 0, updated: 0, unchanged: 2, failed: 3, faults: failed };
    expect(await importFile(content)).toEqual(repeated);
    expect(await bySku("O-1")).toMatchObject({ name: "First", price: 1, version: 1 });
    expect(await bySku("O-2")).toMatchObject({ name: "Cup", version: 2 });
  });

  test("takes effect once although answers are lost", async () => {
    const call = shop.broker.call.bind(shop.broker) as (...args: unknown[]) => Promise<unknown>;
    const lost = new Set<string>();
    const spy = jest.spyOn(shop.broker, "call").mockImplementation(async (...args: unknown[]) => {
      const [action] = args as [string];
      const answer = await call(...args);
      if (!/Many$|Inventories$/.test(action) || lost.has(action)) return answer;
      lost.add(action);
      throw Object.assign(new Error("lost"), { type: "REQUEST_TIMEOUT", retryable: true });
    });
    try {
      await importFile("sku,name,price,stock\nL-1,Mug,5,3\n");
      await importFile("sku,name,price,stock\nL-1,Cup,6,4\n");
      await importFile(`id,name,price\n${unknownId.replace(/0$/, "9")},Jug,5\n`);
    } finally {
      spy.mockRestore();
    }
    expect(lost).toEqual(
      new Set(["products.createMany", "products.updateMany", "products.updateInventories"]),
    );
    expect(await bySku("L-1")).toMatchObject({ name: "Cup", price: 6, stock: 4, version: 2 });
  });

  test("creates a product again that is deleted meanwhile, if its row has no id", async () => {
    await importFile("sku,name,price\nG-1,Mug,5\nG-2,Cup,5\n");
    const { id } = await bySku("G-2");
    const call = shop.broker.call.bind(shop.broker) as (...args: unknown[]) => Promise<unknown>;
    const deleted = new Set<string>();
    const spy = jest.spyOn(shop.broker, "call").mockImplementation(async (...args: unknown[]) => {
      if (args[0] === "products.updateMany" && deleted.size === 0) {
        for (const one of [(await bySku("G-1")).id, id]) {
          deleted.add(one);
          await call("products.updateInventory", { id: one, type: 3, number: 0 });
        }
      }
      return await call(...args);
    });
    try {
      const rows = ["id,sku,name,price", ",G-1,Pot,6", `${id},,Jug,6`];
      expect(await importFile(rows.join("\n"))).toMatchObject({
        created: 1,
        failed: 1,
        faults: [[3, expect.any(String), "PRODUCT_NOT_FOUND"]],
      });
    } finally {
      spy.mockRestore();
    }
    expect(deleted.size).toBe(2);
    expect(await bySku("G-1")).toMatchObject({ name: "Pot", version: 1 });
  });

  test("of an exported catalogue changes nothing", async () => {
    await shop.call("products.create", {
      name: '"=HYPERLINK(1)"',
      description: "two\r\nlines, ä\u2028\t",
      price: 0,
      stock: 2,
    });
    const products = await shop.call<Product[]>("products.list");
    const head = await lastPosition();
    for (const format of ["csv", "jsonl"] as const) {
      const content = headOf(format) + linesOf(format, products);
      expect(await importFile(content, { format, batchRows: 3 })).toMatchObject({
        unchanged: products.length,
        failed: 0,
      });
    }
    expect(await lastPosition()).toBe(head);
  });
});

test("a product with texts that are rejected today can be read, found and changed", async () => {
  const id = await putOnSale(shop, 5, 700);
  const sku = ` A\n${id} `;
  const sql = "UPDATE products SET name = $1, sku = $2 WHERE id = $3";
  await shop.databases.query("products", sql, ["two\nlines", sku, id]);
  const product = await bySku(sku);
  expect(product).toMatchObject({ id, name: "two\nlines", sku });

  const fileOf = (changes: object) => headOf("csv") + linesOf("csv", [{ ...product, ...changes }]);
  for (const isDryRun of [true, false]) {
    expect(await importFile(fileOf({}), { isDryRun })).toMatchObject({ unchanged: 1, faults: [] });
    const reason = "'name' must be one line, without tabs.";
    expect(await importFile(fileOf({ name: "other\nlines" }), { isDryRun })).toMatchObject({
      failed: 1,
      faults: [[2, reason, "BAD_USER_INPUT"]],
    });
  }
  expect(await importFile(fileOf({ price: 800 }))).toMatchObject({ updated: 1, faults: [] });
  expect(await bySku(sku)).toMatchObject({ name: "two\nlines", price: 800, version: 2 });
});
