import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { ConcurrencyLimit, maxSlotWaitMs } from "../../services/api/limits/concurrency-limit.ts";
import { FairQueue } from "../../services/api/limits/fair-queue.ts";

afterEach(() => {
  jest.useRealTimers();
});

describe("the fair queue", () => {
  test("takes the waiting addresses in turn, however much work one of them has", async () => {
    const queue = new FairQueue();
    const order: string[] = [];
    const work = async (address: string) => {
      await queue.turn(address);
      order.push(address);
    };
    await Promise.all(["a", "a", "a", "a", "b", "b", "c"].map(work));
    expect(order.join("")).toBe("abcabaa");
  });

  test("lets the event loop run between two turns", async () => {
    const queue = new FairQueue();
    let rounds = 0;
    const roundsAt: number[] = [];
    const count = () => {
      rounds += 1;
      if (roundsAt.length < 3) setImmediate(count);
    };
    setImmediate(count);
    const work = async () => {
      await queue.turn("a");
      roundsAt.push(rounds);
    };
    await Promise.all([work(), work(), work()]);
    expect(new Set(roundsAt).size).toBe(3);
  });
});

describe("the concurrency limit", () => {
  const times = (count: number, act: () => void) => {
    for (let n = 0; n < count; n += 1) act();
  };

  test("grants a free slot of an address at once", () => {
    const limit = new ConcurrencyLimit();
    times(100, () => {
      expect(limit.acquire("a")).toBe(true);
    });
    expect(limit.acquire("a")).toBeInstanceOf(Promise);
    expect(limit.acquire("b")).toBe(true);
  });

  test("grants released slots in the order of the waiting requests", async () => {
    const limit = new ConcurrencyLimit();
    times(100, () => void limit.acquire("a"));
    const order: number[] = [];
    const waiting = [1, 2, 3].map(async (name) => {
      expect(await limit.acquire("a")).toBe(true);
      order.push(name);
    });
    times(waiting.length, () => {
      limit.release("a");
    });
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
    times(100, () => {
      limit.release("a");
    });
    times(100, () => {
      expect(limit.acquire("a")).toBe(true);
    });
  });

  test("ends a wait that is too long, and gives the next slot to a later request", async () => {
    jest.useFakeTimers();
    const limit = new ConcurrencyLimit();
    times(100, () => void limit.acquire("a"));
    const early = limit.acquire("a");
    jest.advanceTimersByTime(maxSlotWaitMs - 1);
    const late = limit.acquire("a");
    jest.advanceTimersByTime(1);
    expect(await early).toBe(false);
    limit.release("a");
    expect(await late).toBe(true);
    times(100, () => {
      limit.release("a");
    });
    times(100, () => {
      expect(limit.acquire("a")).toBe(true);
    });
  });
});
