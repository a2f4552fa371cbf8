import { describe, expect, test } from "@jest/globals";
import { ConcurrencyLimit } from "../../services/api/limits/concurrency-limit.ts";
import { FairQueue } from "../../services/api/limits/fair-queue.ts";

describe("turns", () => {
  test("go from one address to the next, however much one of them has to do", async () => {
    const turns = new FairQueue();
    const order: string[] = [];
    const work = async (address: string) => {
      await turns.turn(address);
      order.push(address);
    };
    await Promise.all(["a", "a", "a", "a", "b", "b", "c"].map(work));
    expect(order.join("")).toBe("abcabaa");
  });

  test("let the event loop come round between two of them", async () => {
    const turns = new FairQueue();
    let rounds = 0;
    const roundsAt: number[] = [];
    const count = () => {
      rounds += 1;
      if (roundsAt.length < 3) setImmediate(count);
    };
    setImmediate(count);
    const work = async () => {
      await turns.turn("a");
      roundsAt.push(rounds);
    };
    await Promise.all([work(), work(), work()]);
    expect(new Set(roundsAt).size).toBe(3);
  });
});

describe("places", () => {
  const times = (count: number, act: () => void) => {
    for (let n = 0; n < count; n += 1) act();
  };

  test("are taken at once as long as an address has free ones", () => {
    const places = new ConcurrencyLimit();
    times(100, () => {
      expect(places.acquire("a")).toBeUndefined();
    });
    expect(places.acquire("a")).toBeInstanceOf(Promise);
    expect(places.acquire("b")).toBeUndefined();
  });

  test("are handed on in the order in which requests wait", async () => {
    const places = new ConcurrencyLimit();
    times(100, () => void places.acquire("a"));
    const order: number[] = [];
    const waiting = [1, 2, 3].map(async (name) => {
      await places.acquire("a");
      order.push(name);
    });
    times(waiting.length, () => {
      places.release("a");
    });
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
    times(100, () => {
      places.release("a");
    });
    times(100, () => {
      expect(places.acquire("a")).toBeUndefined();
    });
  });
});
