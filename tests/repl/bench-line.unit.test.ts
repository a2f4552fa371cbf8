import { describe, expect, test } from "@jest/globals";
import { moleculerLine, readBenchmark } from "../../commands/repl/bench-line.ts";
import { LineFault } from "../../commands/repl/call-line.ts";

const rules = { name: { type: "string" }, price: { type: "number" } };
const read = (line: string) => readBenchmark(`${line}\n`, () => rules);

describe("a line bench ACTION has the parameters of call", () => {
  test.each<[string, object, string[]]>([
    ["bench shop.do", {}, []],
    ["bench shop.do --name 007 --price 5", { name: "007", price: 5 }, []],
    ["bench shop.do --price 5 --num 100", { price: 5 }, ["--num=100"]],
    ["bench --time 2 shop.do --price 5", { price: 5 }, ["--time=2"]],
    ["bench shop.do --time=2 --nodeID node-1", {}, ["--time=2", "--nodeID=node-1"]],
    ['bench shop.do {"name": "it is --num"} --num 3', { name: "it is --num" }, ["--num=3"]],
    ["bench shop.do '{\"price\": 1}' --price 2", { price: 2 }, []],
  ])("%s", (line, params, flags) => {
    expect(read(line)).toMatchObject({ call: { action: "shop.do", params }, flags });
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
])("an invalid line throws a LineFault: %s", (line) => {
  expect(() => read(line)).toThrow(LineFault);
});

test("the parameters and meta of Moleculer's line are JSON without apostrophes", () => {
  const benchmark = read(`bench shop.do --name "O'Brien" --#key 7 --num 3`);
  if (!benchmark) throw new Error("The line is no benchmark.");
  expect(moleculerLine(benchmark)).toBe(
    String.raw`bench shop.do '{"name":"O\u0027Brien"}' '{"key":7}' --num=3`,
  );
});
