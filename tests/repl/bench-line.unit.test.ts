import { describe, expect, test } from "@jest/globals";
import { readBenchmark } from "../../commands/repl/bench-line.ts";
import { LineFault } from "../../commands/repl/call-line.ts";

const rules = { name: { type: "string" }, price: { type: "number" } };
const read = (line: string) => readBenchmark(`${line}\n`, () => rules);

describe("a line bench ACTION has the parameters of call", () => {
  test.each<[string, object, object]>([
    ["bench shop.do", {}, {}],
    ["bench shop.do --name 007 --price 5", { name: "007", price: 5 }, {}],
    ["bench shop.do --price 5 --num 100", { price: 5 }, { num: 100 }],
    ["bench --time 2 shop.do --price 5", { price: 5 }, { time: 2 }],
    ["bench shop.do --time=2 --nodeID node-1", {}, { time: 2, nodeID: "node-1" }],
    ['bench shop.do {"name": "it is --num"} --num 3', { name: "it is --num" }, { num: 3 }],
    ["bench shop.do '{\"price\": 1}' --price 2", { price: 2 }, {}],
  ])("%s", (line, params, options) => {
    expect(read(line)).toMatchObject({ call: { action: "shop.do", params } });
    expect(read(line)?.options).toEqual(options);
  });

  test("and meta", () => {
    expect(read("bench shop.do --#idempotencyKey 7")?.call.meta).toEqual({ idempotencyKey: 7 });
  });
});

test.each(["bench", "bench --help", "bench --num 5", "call shop.do", "rebench shop.do", ""])(
  "other lines are left to Moleculer: %j",
  (line) => {
    expect(read(line)).toBeUndefined();
  },
);

test.each([
  'bench shop.do --name "open',
  "bench shop.do --price 5 6",
  "bench shop.do --$timeout 5",
  "bench shop.do --num many",
  "bench shop.do --num 0",
  "bench shop.do --time",
])("an invalid line throws a LineFault: %s", (line) => {
  expect(() => read(line)).toThrow(LineFault);
});
