import { describe, expect, test } from "@jest/globals";
import { Batcher, readBatcher } from "../../core/tasks/batcher.ts";

/** A batcher whose batches end when the test ends them. */
function heldBatcher(maxItems: number, maxBatchesInFlight: number) {
  const batches: { items: number[]; end: (results: (number | Error)[]) => void }[] = [];
  const batcher = new Batcher<number, number>(
    (items) => new Promise((end) => batches.push({ items, end })),
    { maxItems, maxBatchesInFlight },
  );
  return { batcher, batches };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const addAll = (batcher: Batcher<number, number>, ...items: number[]) =>
  items.map((item) => batcher.add(item));

describe("a batcher", () => {
  test("sends a single item at once", async () => {
    const { batcher, batches } = heldBatcher(10, 1);
    const results = batcher.add(1);
    await nextTurn();
    expect(batches.map(({ items }) => items)).toEqual([[1]]);
    batches[0]?.end([11]);
    expect(await results).toBe(11);
  });

  test("sends items of one event loop turn as one batch, and returns each item's result", async () => {
    const { batcher, batches } = heldBatcher(10, 1);
    const results = addAll(batcher, 1, 2, 3);
    await nextTurn();
    batches[0]?.end([11, 12, 13]);
    expect(await Promise.all(results)).toEqual([11, 12, 13]);
  });

  test("collects items while the maximum number of batches is in flight", async () => {
    const { batcher, batches } = heldBatcher(10, 1);
    const first = addAll(batcher, 1);
    await nextTurn();
    const later = addAll(batcher, 2, 3);
    await nextTurn();
    expect(batches).toHaveLength(1);
    batches[0]?.end([1]);
    await Promise.all(first);
    await nextTurn();
    expect(batches[1]?.items).toEqual([2, 3]);
    batches[1]?.end([2, 3]);
    expect(await Promise.all(later)).toEqual([2, 3]);
  });

  test("splits items above the maximum batch size into several batches, in order", async () => {
    const { batcher, batches } = heldBatcher(2, 5);
    const results = addAll(batcher, 1, 2, 3, 4, 5);
    await nextTurn();
    await nextTurn();
    await nextTurn();
    expect(batches.map(({ items }) => items)).toEqual([[1, 2], [3, 4], [5]]);
    for (const { items, end } of batches) end(items);
    expect(await Promise.all(results)).toEqual([1, 2, 3, 4, 5]);
  });

  test("rejects only the item whose result is an error", async () => {
    const { batcher, batches } = heldBatcher(10, 1);
    const [first, second] = addAll(batcher, 1, 2);
    await nextTurn();
    batches[0]?.end([new Error("not this one"), 12]);
    await expect(first).rejects.toThrow("not this one");
    expect(await second).toBe(12);
  });

  test("rejects all items of a failed batch, and sends later batches", async () => {
    let isBroken = true;
    const batcher = new Batcher<number, number>(
      async (items) => {
        if (isBroken) throw new Error("broken");
        return items;
      },
      { maxItems: 10, maxBatchesInFlight: 1 },
    );
    const results = await Promise.allSettled(addAll(batcher, 1, 2));
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    isBroken = false;
    expect(await batcher.add(3)).toBe(3);
  });
});

test("a read batcher reads equal items of one batch once, and a later equal item again", async () => {
  const reads: { limit: number }[] = [];
  const batcher = readBatcher(
    async (pages: { limit: number }[]) => {
      reads.push(...pages);
      return pages.map(({ limit }) => [limit]);
    },
    { maxItems: 10, maxBatchesInFlight: 1 },
  );
  const pages = [{ limit: 1 }, { limit: 2 }, { limit: 1 }];
  const rows = await Promise.all(pages.map((page) => batcher.add(page)));
  expect(rows).toEqual([[1], [2], [1]]);
  expect(reads).toEqual([{ limit: 1 }, { limit: 2 }]);
  await batcher.add({ limit: 1 });
  expect(reads).toHaveLength(3);
});
