import { beforeEach, expect, test } from "@jest/globals";
import { RowsInFlight, sizeOf, type ListSize } from "../../services/api/limits/rows-in-flight.ts";

let rows: RowsInFlight;
let begun: string[];

beforeEach(() => {
  rows = new RowsInFlight();
  begun = [];
});

/** Starts a list that is read until `end` is called. */
function readList(address: string, count: ListSize) {
  const { promise, resolve: end } = Promise.withResolvers<string>();
  const name = `${address}${begun.length}`;
  const list = rows.read(address, count, () => {
    begun.push(address);
    return promise;
  });
  return { list, end: () => (end(name), list) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("lists start while there is room, addresses take turns, and no list is passed by others", async () => {
  const a = [readList("a", 220), readList("a", 280)];
  const waiting = [readList("a", 300), readList("a", 101)];
  const b = [readList("b", 390)];
  await settled();
  // 890 rows are read: 500 for a, which is its maximum.
  expect(begun.splice(0)).toEqual(["a", "a", "b"]);
  const c = readList("c", 120);
  const d = readList("d", 105);
  await settled();
  // c needs more than is left. d would fit, but comes later.
  expect(begun.splice(0)).toEqual([]);
  await a[1]?.end();
  await settled();
  // a has no room for 300 more rows.
  expect(begun.splice(0)).toEqual(["c", "d"]);
  await a[0]?.end();
  await settled();
  expect(begun.splice(0)).toEqual(["a"]);
  await b[0]?.end();
  await settled();
  expect(begun.splice(0)).toEqual(["a"]);
  await Promise.all([...waiting, c, d].map(({ end }) => end()));
});

test("a list that fails makes room, and a longer list than the maximum is read alone", async () => {
  await expect(rows.read("a", 500, () => Promise.reject(new Error("failed")))).rejects.toThrow(
    "failed",
  );
  const long = readList("a", 5_000);
  const next = readList("a", 101);
  await settled();
  expect(begun.splice(0)).toEqual(["a"]);
  await long.end();
  await next.end();
  expect(begun.splice(0)).toEqual(["a"]);
  expect(await rows.read("a", -5, () => Promise.resolve("none"))).toBe("none");
});

test("an address is kept while one of its lists is read, also of lists without rows", async () => {
  const ended = [readList("a", 0), readList("a", 0)];
  await settled();
  await ended[0]?.end();
  const full = [1, 2, 3].map(() => readList("a", 100));
  const waiting = readList("a", 100);
  await ended[1]?.end();
  const last = readList("a", 100);
  await settled();
  expect(begun.splice(0)).toHaveLength(ended.length + full.length);
  for (const { end } of [...full, waiting, last]) await end();
  expect(begun).toHaveLength(2);
});

test("short lists, long lists and scans have rooms of their own", async () => {
  const long = ["a", "b", "c"].map((address) => readList(address, 500));
  const short = ["a", "a", "a", "a", "a"].map((address) => readList(address, 100));
  const scans = ["a", "a", "a", "b", "b", "c", "c"].map((address) => readList(address, "scan"));
  await settled();
  expect(begun.splice(0)).toEqual(["a", "b", "a", "a", "a", "a", "a", "b", "b", "c"]);
  for (const { end } of [...long, ...short, ...scans]) await end();
  expect(begun.splice(0)).toEqual(["c", "a", "a", "a", "c"]);
});

test.each([
  [20, 0, 20],
  [100, 9_999, 100],
  [1, 10_000, "scan"],
  [101, 1_000_000, 101],
])("%d rows after %d others have the size %s", (limit, offset, size) => {
  expect(sizeOf(limit, offset)).toBe(size);
});
