import { expect, test } from "@jest/globals";
import { RowsInFlight } from "../../services/api/limits/rows-in-flight.ts";

const rows = new RowsInFlight();
const begun: string[] = [];

/** Starts a list that is read until `end` is called. */
function readList(address: string, count: number) {
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
  const a = [readList("a", 300), readList("a", 200)];
  const waiting = [readList("a", 400), readList("a", 100)];
  const b = [readList("b", 450)];
  await settled();
  // 950 rows are read: 500 for a, which is its maximum.
  expect(begun.splice(0)).toEqual(["a", "a", "b"]);
  const c = readList("c", 100);
  const d = readList("d", 10);
  await settled();
  // c needs more than is left. d would fit, but comes later.
  expect(begun.splice(0)).toEqual([]);
  await a[1]?.end();
  await settled();
  // a has no room for 400 more rows.
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
  const next = readList("a", 1);
  await settled();
  expect(begun.splice(0)).toEqual(["a"]);
  await long.end();
  await next.end();
  expect(begun.splice(0)).toEqual(["a"]);
  expect(await rows.read("a", -5, () => Promise.resolve("none"))).toBe("none");
});
