import { performance } from "node:perf_hooks";
import { describe, expect, test } from "@jest/globals";
import { eventLoopLoad } from "../../core/tasks/event-loop-load.ts";
import { KeyedTurns, Turns } from "../../core/tasks/turns.ts";

describe("turns", () => {
  const rejection = new Error("too many");

  /** Work that ends on request, in turns whose limit can change. */
  function turnsOf(limit: { now: number }, maxWaiting = 10) {
    const turns = new Turns({
      limit: () => limit.now,
      rejection: (waiting) => (waiting < maxWaiting ? undefined : rejection),
    });
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const run = (name: string) => {
      const ended = new Promise<void>((resolve) => ends.set(name, resolve));
      return turns.run(async () => {
        begun.push(name);
        await ended;
      });
    };
    return { turns, begun, run, end: (name: string) => ends.get(name)?.() };
  }

  test("run as many as the limit, the others in their order", async () => {
    const { turns, begun, run, end } = turnsOf({ now: 2 });
    const all = ["a", "b", "c", "d"].map(run);
    await Promise.resolve();
    expect(begun).toEqual(["a", "b"]);
    expect(turns.counts).toEqual({ running: 2, waiting: 2 });
    end("b");
    await all[1];
    expect(begun).toEqual(["a", "b", "c"]);
    for (const name of ["a", "c", "d"]) end(name);
    await Promise.all(all);
    expect(turns.counts).toEqual({ running: 0, waiting: 0 });
  });

  test("follow a limit that falls and rises again", async () => {
    const limit = { now: 2 };
    const { begun, run, end } = turnsOf(limit);
    const all = ["a", "b", "c", "d", "e"].map(run);
    limit.now = 1;
    end("a");
    await all[0];
    expect(begun).toEqual(["a", "b"]);
    end("b");
    await all[1];
    expect(begun).toEqual(["a", "b", "c"]);
    limit.now = 2;
    end("c");
    await all[2];
    expect(begun).toEqual(["a", "b", "c", "d", "e"]);
    for (const name of ["d", "e"]) end(name);
    await Promise.all(all);
  });

  test("go on after work that fails", async () => {
    const { turns } = turnsOf({ now: 1 });
    const failing = turns.run(() => Promise.reject(new Error("failed")));
    const next = turns.run(() => Promise.resolve("done"));
    await expect(failing).rejects.toThrow("failed");
    expect(await next).toBe("done");
  });

  test("reject work if too many wait", async () => {
    const { run, end } = turnsOf({ now: 1 }, 1);
    const accepted = ["a", "b"].map(run);
    await expect(run("c")).rejects.toBe(rejection);
    for (const name of ["a", "b"]) end(name);
    await Promise.all(accepted);
  });
});

test("turns of different keys do not wait for each other", async () => {
  const turns = new KeyedTurns({ limit: () => 1 });
  const begun: string[] = [];
  const first = Promise.withResolvers<undefined>();
  const work = (name: string, until?: Promise<undefined>) => async () => {
    begun.push(name);
    await until;
  };
  const all = [
    turns.run("ann", work("ann 1", first.promise)),
    turns.run("ann", work("ann 2")),
    turns.run("bob", work("bob 1")),
  ];
  await all[2];
  expect(begun).toEqual(["ann 1", "bob 1"]);
  first.resolve(undefined);
  await Promise.all(all);
  expect(begun).toEqual(["ann 1", "bob 1", "ann 2"]);
});

describe("the load of the event loop", () => {
  const windowMs = 20;
  const blockFor = (ms: number) => {
    const untilMs = performance.now() + ms;
    while (performance.now() < untilMs);
  };

  test("is high after it was blocked, and is measured again only after the window", () => {
    const load = eventLoopLoad(windowMs);
    expect(load()).toBe(0);
    blockFor(windowMs);
    const measured = load();
    expect(measured).toBeGreaterThan(0.9);
    expect(load()).toBe(measured);
  });

  test("falls when the loop is idle again", async () => {
    const load = eventLoopLoad(windowMs);
    blockFor(windowMs);
    expect(load()).toBeGreaterThan(0.9);
    let latest = 1;
    // A busy machine may let the thread wait in one of the windows.
    for (let tries = 0; tries < 1_000 && latest > 0.5; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 2 * windowMs));
      latest = load();
    }
    expect(latest).toBeLessThanOrEqual(0.5);
  });
});
