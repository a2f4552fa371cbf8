import { describe, expect, test } from "@jest/globals";
import {
  actionTable,
  nearestName,
  type ListedAction,
  type Rules,
} from "../../commands/repl/action-list.ts";
import { completeCall } from "../../commands/repl/complete-call.ts";
import { printed } from "../../commands/repl/open-repl.ts";

const rules: Rules = {
  name: { type: "string" },
  price: { type: "number" },
  ids: { type: "array", optional: true },
  sort: { type: "enum", values: ["PRICE_ASC", "PRICE_DESC", "NAME_ASC"], optional: true },
};
const complete = (line: string) =>
  completeCall(line, (action) => (action === "shop.do" ? rules : {}));

describe("completeCall completes", () => {
  test.each<[string, string[], string]>([
    ["call shop.do ", ["--name", "--price", "--ids", "--sort"], ""],
    ["call shop.do --", ["--name", "--price", "--ids", "--sort"], "--"],
    ["call shop.do --n", ["--name "], "--n"],
    ["  dcall node-1 shop.do --pr", ["--price "], "--pr"],
    ["bench shop.do --so", ["--sort "], "--so"],
    ["call shop.do --name Mug --", ["--price", "--ids", "--sort"], "--"],
    ["call shop.do --name=Mug --", ["--price", "--ids", "--sort"], "--"],
    ["call shop.do --ids 1 --i", ["--ids "], "--i"],
    ["call shop.do --sort ", ["PRICE_ASC", "PRICE_DESC", "NAME_ASC"], ""],
    ["call shop.do --sort PRICE_A", ["PRICE_ASC "], "PRICE_A"],
    ["call shop.do --name M", [], "M"],
    ['call shop.do --name "a --', [], "--"],
    ["call other.do --", [], "--"],
  ])("%j", (line, candidates, replaced) => {
    expect(complete(line)).toEqual([candidates, replaced]);
  });

  test.each(["", "call", "call shop.d", "nodes ", "dcall node-1 shop.do"])(
    "nothing of %j, which Moleculer completes",
    (line) => {
      expect(complete(line)).toBeUndefined();
    },
  );
});

test("answers are printed with all of their parts", () => {
  const letter = { event: { data: { lines: [{ product: { id: "the-product" } }] } } };
  const answer = { letters: [letter], lost: Array.from({ length: 200 }, (_, n) => `event-${n}`) };
  const text = printed(answer, process.stdout);
  expect(text).toContain("the-product");
  expect(text).toContain("event-199");
});

test.each([
  ["products.gte", "products.get"],
  ["product.create", "products.create"],
  ["Orders.Place", "orders.place"],
  ["palce", "orders.place"],
  ["nothing.alike", undefined],
])("nearestName finds %s", (mistyped, nearest) => {
  const names = ["products.get", "products.create", "orders.get", "orders.place"];
  expect(nearestName(mistyped, names)).toBe(nearest);
});

test("actionTable shows flags, wraps long lines and selects by a pattern", () => {
  const long = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`parameter${n}`, {}]));
  const actions: ListedAction[] = [
    { name: "shop.do", rules },
    { name: "shop.long", rules: long },
    { name: "users.get", rules: {} },
  ];
  const table = actionTable(actions, "shop.*");
  expect(table).toMatch(/^shop\.do {4}--name --price \[--ids…\] \[--sort\]\n/);
  expect(table).toMatch(/shop\.long {2}--parameter0 .*\n {11}--parameter\d+/);
  expect(table).not.toContain("users.get");
  expect(actionTable(actions, "none.*")).toBe("No action matches none.*.");
});
