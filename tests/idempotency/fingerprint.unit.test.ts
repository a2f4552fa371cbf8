import { expect, test } from "@jest/globals";
import { idempotentRequest } from "../../database/idempotency.ts";

function fingerprintOf(params: object): string | undefined {
  const ctx = { action: null, caller: null, meta: { idempotencyKey: "a-key" }, params };
  return idempotentRequest(ctx)?.fingerprint.toString("hex");
}

const line = { product_id: "a", quantity: 1 };

test.each<[title: string, one: object, other: object]>([
  ["null for an absent value of an object", { line: { ...line, expectedPrice: null } }, { line }],
  [
    "null for an absent value of an item of a list",
    { order_products: [line, { ...line, expectedPrice: null }] },
    { order_products: [line, line] },
  ],
  ["another order of the values", { line }, { line: { quantity: 1, product_id: "a" } }],
])("%s is the same input", (_title, one, other) => {
  expect(fingerprintOf(one)).toBe(fingerprintOf(other));
});

test.each<[title: string, one: object, other: object]>([
  ["a value for an absent one", { line: { ...line, expectedPrice: 0 } }, { line }],
  ["null for an absent item of a list", { ids: ["a", null] }, { ids: ["a"] }],
  ["another order of the items", { ids: ["a", "b"] }, { ids: ["b", "a"] }],
])("%s is another input", (_title, one, other) => {
  expect(fingerprintOf(one)).not.toBe(fingerprintOf(other));
});
