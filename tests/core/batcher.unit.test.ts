import { describe, expect, test } from "@jest/globals";
import { Batcher, batchedReads } from "../../core/batcher.ts";

/** A batcher whose batches end when they are told to. */
function heldCrowd(maxItems: number, maxBatchesInFlight: number) {
  const batches: { items: number[]; end: (results: (number | Error)[]) => void }[] = [];
  const batcher = new Batcher<number, number>(
    (items) => new Promise((end) => batches.push({ items, end })),
    { maxItems, maxBatchesInFlight },
  );
  return { batcher, batches };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const join = (batcher: Batcher<number, number>, ...items: number[]) =>
  items.map((item) => batcher.add(item));

describe("a batcher", () => {
  test("of one is served at once, and alone", async () => {
    const { batcher, batches } = heldCrowd(10, 1);
    const joined = batcher.add(1);
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[1]]);
    batches[0]?.end([11]);
    expect(await joined).toBe(11);
  });

  test("that comes in one turn is one batch, and each gets its own result", async () => {
    const { batcher, batches } = heldCrowd(10, 1);
    const joined = join(batcher, 1, 2, 3);
    await turn();
    batches[0]?.end([11, 12, 13]);
    expect(await Promise.all(joined)).toEqual([11, 12, 13]);
  });

  test("gathers while as many batches are under way as may be, and goes on by itself", async () => {
    const { batcher, batches } = heldCrowd(10, 1);
    const first = join(batcher, 1);
    await turn();
    const later = join(batcher, 2, 3);
    await turn();
    expect(batches).toHaveLength(1);
    batches[0]?.end([1]);
    await Promise.all(first);
    await turn();
    expect(batches[1]?.items).toEqual([2, 3]);
    batches[1]?.end([2, 3]);
    expect(await Promise.all(later)).toEqual([2, 3]);
  });

  test("larger than a batch may be is served in several, in their order", async () => {
    const { batcher, batches } = heldCrowd(2, 5);
    const joined = join(batcher, 1, 2, 3, 4, 5);
    await turn();
    await turn();
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[1, 2], [3, 4], [5]]);
    for (const { items, end } of batches) end(items);
    expect(await Promise.all(joined)).toEqual([1, 2, 3, 4, 5]);
  });

  test("is not failed by the error of one", async () => {
    const { batcher, batches } = heldCrowd(10, 1);
    const [one, two] = join(batcher, 1, 2);
    await turn();
    batches[0]?.end([new Error("not this one"), 12]);
    await expect(one).rejects.toThrow("not this one");
    expect(await two).toBe(12);
  });

  test("is failed by an error of the batch, and served again afterwards", async () => {
    let isBroken = true;
    const batcher = new Batcher<number, number>(
      async (items) => {
        if (isBroken) throw new Error("broken");
        return items;
      },
      { maxItems: 10, maxBatchesInFlight: 1 },
    );
    const results = await Promise.allSettled(join(batcher, 1, 2));
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    isBroken = false;
    expect(await batcher.add(3)).toBe(3);
  });
});

test("reads of the same that come together are one, and a later one is another", async () => {
  const read: { limit: number }[] = [];
  const batcher = batchedReads(
    async (page: { limit: number }) => {
      read.push(page);
      return [page.limit];
    },
    { maxItems: 10, maxBatchesInFlight: 1 },
  );
  const asked = [{ limit: 1 }, { limit: 2 }, { limit: 1 }];
  const rows = await Promise.all(asked.map((page) => batcher.add(page)));
  expect(rows).toEqual([[1], [2], [1]]);
  expect(read).toEqual([{ limit: 1 }, { limit: 2 }]);
  await batcher.add({ limit: 1 });
  expect(read).toHaveLength(3);
});
