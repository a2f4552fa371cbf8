import { describe, expect, test } from "@jest/globals";
import { LineFault, readCall } from "../../commands/repl/call-line.ts";

const rules = {
  query: { type: "any", optional: true },
  populate: { type: "any", optional: true },
  name: { type: "string" },
  description: { type: "string" },
  sort: { type: "enum" },
  price: { type: "number" },
  revoke: { type: "boolean" },
  ids: { type: "array", items: { type: "string" } },
  lines: { type: "array", items: { type: "object" } },
};
const read = (line: string) => readCall(`${line}\n`, () => rules);
const params = (flags: string) => read(`call shop.do ${flags}`)?.params;

describe("readCall parses flags", () => {
  test.each<[string, object]>([
    ['--description "use --name 5 here" --name 7', { description: "use --name 5 here", name: "7" }],
    ["--name 007", { name: "007" }],
    ["--name=1e3 --price=1e3", { name: "1e3", price: 1000 }],
    ["--name -5 --price -5", { name: "-5", price: -5 }],
    ["--name 0x10 --price 0x10", { name: "0x10", price: "0x10" }],
    ['--name "" --description=', { name: "", description: "" }],
    ["--name '' --description=\"\"", { name: "", description: "" }],
    ['--name "--price" --price 3', { name: "--price", price: 3 }],
    ["--name=--price", { name: "--price" }],
    ["--name '--price 3' --price 4", { name: "--price 3", price: 4 }],
    ["--name true --revoke true", { name: "true", revoke: true }],
    ["--revoke --name x", { revoke: true, name: "x" }],
    ["--no-revoke", { revoke: false }],
    ["--revoke false", { revoke: false }],
    ["--name null", { name: "null" }],
    ["--name O'Brien --description 5\"", { name: "O'Brien", description: '5"' }],
    ['--name "say \\"hi\\" \\\\ \\n"', { name: 'say "hi" \\ \\n' }],
    ["--name 'a \"b\" \\'", { name: 'a "b" \\' }],
    ["--name=\"a b\" --description='c d'", { name: "a b", description: "c d" }],
    ["--name a=b=c", { name: "a=b=c" }],
    ["--name=a=b", { name: "a=b" }],
    ['--name "  spaces  "', { name: "  spaces  " }],
    ["--name '{\"a\": 1}'", { name: '{"a": 1}' }],
    ['--name {"a": "} b"}', { name: '{"a": "} b"}' }],
    ["--sort 1", { sort: "1" }],
    [
      `--name -created_at --price 5 --query '{"status":"PLACED"}'`,
      { name: "-created_at", price: 5, query: { status: "PLACED" } },
    ],
    ["--populate user,lines", { populate: "user,lines" }],
    ["--populate user --populate lines", { populate: ["user", "lines"] }],
    ['--populate ["user", "lines"]', { populate: ["user", "lines"] }],
    ["--price abc", { price: "abc" }],
    ["--price", { price: true }],
    ["--name a --name b", { name: ["a", "b"] }],
    ["--ids 1 --ids 02", { ids: ["1", "02"] }],
    ["--ids 1", { ids: ["1"] }],
    ['--ids ["a", "b c"]', { ids: ["a", "b c"] }],
    ["--ids '[\"a\"]'", { ids: ["a"] }],
    ['--lines {"a": 1} --lines {"a": 2}', { lines: [{ a: 1 }, { a: 2 }] }],
    ["--name Ünï\u{1f600}cødé --description ’", { name: "Ünï\u{1f600}cødé", description: "’" }],
    [
      "--unknown 5 --other 05 --third x --fourth true",
      { unknown: 5, other: "05", third: "x", fourth: true },
    ],
    ["--a.b 1 --a.c x", { a: { b: 1, c: "x" } }],
    ["--list[] 5", { list: [5] }],
    ["--@name 5", { name: "5" }],
    ["--constructor x --toString 5", { constructor: "x", toString: 5 }],
    ["", {}],
  ])("%s", (flags, expected) => {
    expect(params(flags)).toEqual(expected);
  });

  test("named __proto__ without changing a prototype", () => {
    const parsed = params("--__proto__ x") as object;
    expect(Object.getOwnPropertyDescriptor(parsed, "__proto__")?.value).toBe("x");
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });
});

test("readCall parses JSON parameters without quotes and with flags beside them", () => {
  expect(params('{"name": "a b", "price": 5}')).toEqual({ name: "a b", price: 5 });
  expect(params('\'{"name": "it is --name"}\' --price 5')).toEqual({
    name: "it is --name",
    price: 5,
  });
  expect(read('call a.b {} {"x": 1}')?.meta).toEqual({ x: 1 });
});

test("readCall separates meta, options and the node", () => {
  expect(read("call a.b --#idempotencyKey 007 --$timeout 50 --$local")).toEqual({
    action: "a.b",
    nodeId: undefined,
    params: {},
    meta: { idempotencyKey: "007" },
    options: { timeout: 50, local: true },
  });
  expect(read("dcall node-1 a.b --price 5")).toMatchObject({
    action: "a.b",
    nodeId: "node-1",
    params: { price: 5 },
  });
});

test.each([
  '--name "open',
  "--name 'open",
  '{"a": 1',
  '{"a": 1]',
  "--name a b",
  "a",
  '--name "a"b',
  "{a: 1}",
  "--lines {a}",
])("readCall throws a LineFault for an invalid line: %s", (flags) => {
  expect(() => params(flags)).toThrow(LineFault);
});

test.each([
  "nodes",
  "call",
  "call --help",
  "call a.b --load",
  "call a.b --save=x",
  "recall a.b",
  "",
])("readCall ignores other commands: %j", (line) => {
  expect(read(line)).toBeUndefined();
});
