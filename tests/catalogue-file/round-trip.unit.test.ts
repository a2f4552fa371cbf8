import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readRows } from "../../commands/catalogue-file/read-rows.ts";
import { headOf, linesOf, type ExportedProduct } from "../../commands/catalogue-file/write-rows.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "round-trip-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const special = ["\n", "\r", "\r\n", '"', ",", " ", "\t", "\ufeff", "\u2028", "\u0085", "="];
/** Texts of special characters, and of any others that PostgreSQL stores. */
const text = fc
  .array(fc.oneof(fc.constantFrom(...special), fc.string({ unit: "binary", maxLength: 3 })), {
    maxLength: 8,
  })
  .map((parts) => parts.join(""));
const count = fc.nat({ max: 2_147_483_647 });

const product: fc.Arbitrary<ExportedProduct> = fc.record({
  id: fc.uuid(),
  sku: fc.option(text),
  name: text,
  description: text,
  price: count,
  stock: count,
  version: count,
  createdAt: fc.constant("2026-01-31T12:00:00.000Z"),
  updatedAt: fc.constant("2026-01-31T12:00:00.000Z"),
});

test.each(["csv", "jsonl"] as const)("a file in %s returns all texts unchanged", async (format) => {
  const file = join(folder, `file.${format}`);
  const isGiven = (name: string, value: unknown) =>
    !name.endsWith("At") && value !== null && (format === "jsonl" || value !== "");
  const property = fc.asyncProperty(fc.array(product, { maxLength: 5 }), async (products) => {
    writeFileSync(file, headOf(format) + linesOf(format, products));
    const rows = [];
    for await (const row of readRows(file, format).rows) rows.push(row);
    expect(rows).toEqual(
      products.map((row) => ({
        line: expect.any(Number),
        values: Object.fromEntries(
          Object.entries(row).filter(([name, value]) => isGiven(name, value)),
        ),
      })),
    );
  });
  await fc.assert(property, { numRuns: 100 });
});
