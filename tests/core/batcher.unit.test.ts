import { describe, expect, test } from "@jest/globals";
import { Crowd, sharedReads } from "../../core/batcher.ts";

/** A crowd whose batches end when they are told to. */
function heldCrowd(maxItems: number, maxBatches: number) {
  const batches: { items: number[]; end: (results: (number | Error)[]) => void }[] = [];
  const crowd = new Crowd<number, number>(
    (items) => new Promise((end) => batches.push({ items, end })),
    { maxItems, maxBatches },
  );
  return { crowd, batches };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const join = (crowd: Crowd<number, number>, ...items: number[]) =>
  items.map((item) => crowd.join(item));

describe("a crowd", () => {
  test("of one is served at once, and alone", async () => {
    const { crowd, batches } = heldCrowd(10, 1);
    const joined = crowd.join(1);
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[1]]);
    batches[0]?.end([11]);
    expect(await joined).toBe(11);
  });

  test("that comes in one turn is one batch, and each gets its own result", async () => {
    const { crowd, batches } = heldCrowd(10, 1);
    const joined = join(crowd, 1, 2, 3);
    await turn();
    batches[0]?.end([11, 12, 13]);
    expect(await Promise.all(joined)).toEqual([11, 12, 13]);
  });

  test("gathers while as many batches are under way as may be, and goes on by itself", async () => {
    const { crowd, batches } = heldCrowd(10, 1);
    const first = join(crowd, 1);
    await turn();
    const later = join(crowd, 2, 3);
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
    const { crowd, batches } = heldCrowd(2, 5);
    const joined = join(crowd, 1, 2, 3, 4, 5);
    await turn();
    await turn();
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[1, 2], [3, 4], [5]]);
    for (const { items, end } of batches) end(items);
    expect(await Promise.all(joined)).toEqual([1, 2, 3, 4, 5]);
  });

  test("is not failed by the error of one", async () => {
    const { crowd, batches } = heldCrowd(10, 1);
    const [one, two] = join(crowd, 1, 2);
    await turn();
    batches[0]?.end([new Error("not this one"), 12]);
    await expect(one).rejects.toThrow("not this one");
    expect(await two).toBe(12);
  });

  test("is failed by an error of the batch, and served again afterwards", async () => {
    let isBroken = true;
    const crowd = new Crowd<number, number>(
      async (items) => {
        if (isBroken) throw new Error("broken");
        return items;
      },
      { maxItems: 10, maxBatches: 1 },
    );
    const results = await Promise.allSettled(join(crowd, 1, 2));
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    isBroken = false;
    expect(await crowd.join(3)).toBe(3);
  });
});

test("reads of the same that come together are one, and a later one is another", async () => {
  const read: { limit: number }[] = [];
  const crowd = sharedReads(
    async (page: { limit: number }) => {
      read.push(page);
      return [page.limit];
    },
    { maxItems: 10, maxBatches: 1 },
  );
  const asked = [{ limit: 1 }, { limit: 2 }, { limit: 1 }];
  const rows = await Promise.all(asked.map((page) => crowd.join(page)));
  expect(rows).toEqual([[1], [2], [1]]);
  expect(read).toEqual([{ limit: 1 }, { limit: 2 }]);
  await crowd.join({ limit: 1 });
  expect(read).toHaveLength(3);
});
