import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { EventEnvelope } from "../../core/contract.ts";
import type { EventFeed } from "../../event-log/consumer/event-feed.ts";
import { FakeConsumer } from "../support/fakes/fake-feed.ts";

let log: FakeConsumer;
let feeds: EventFeed[];

beforeEach(() => {
  jest.useFakeTimers();
  log = new FakeConsumer();
  feeds = [];
});
afterEach(async () => {
  const stopped = Promise.all(feeds.map((feed) => feed.stop()));
  await jest.advanceTimersByTimeAsync(1_000);
  await stopped;
  jest.useRealTimers();
});

/** Starts a feed that has read the log once. */
async function start(...types: string[]) {
  const started = log.startFeed(...types);
  feeds.push(started.feed);
  await jest.advanceTimersByTimeAsync(100);
  return started;
}

/** Less than the interval at which a feed reads the log without a reason. */
const soon = () => jest.advanceTimersByTimeAsync(1_000);
/** Longer than that interval. */
const later = () => jest.advanceTimersByTimeAsync(6_000);

function deliver(events: EventEnvelope[], ...to: EventFeed[]): void {
  for (const event of events) for (const feed of to) feed.receive(event);
}

describe("a feed applies each event once and in order", () => {
  test("if the events arrive in reverse order, without a read of the log", async () => {
    const { feed } = await start("a");
    const reads = log.reads;
    deliver(log.append("a", "a", "a").toReversed(), feed);
    await soon();
    expect(log.applied).toEqual(log.ids);
    expect(log.reads).toBe(reads);
  });

  test("if an event before others is lost, with one read of the log", async () => {
    const { feed } = await start("a");
    const reads = log.reads;
    deliver(log.append("a", "a", "a").slice(1), feed);
    await soon();
    expect(log.applied).toEqual(log.ids);
    expect(log.reads).toBe(reads + 1);
  });

  test("if the last event is lost, at the next poll", async () => {
    await start("a");
    log.append("a");
    await later();
    expect(log.applied).toEqual(log.ids);
  });

  test("if every event arrives several times at two replicas", async () => {
    const [one, two] = [await start("a"), await start("a")];
    for (let n = 0; n < 5; n += 1) {
      const events = log.append("a", "a");
      deliver([...events, ...events.toReversed(), ...events], one.feed, two.feed);
      await soon();
    }
    expect(log.applied).toEqual(log.ids);
  });

  test("if the log has several pages and no event arrives, without a wait for the poll", async () => {
    log.append(...Array<string>(1_700).fill("a"));
    await start("a");
    await soon();
    expect(log.applied).toEqual(log.ids);
    // The log has four pages.
    expect(log.readsAhead).toBe(3);
  });

  test("if the producer does not name the event before another one", async () => {
    log.isChained = false;
    const { feed } = await start("a");
    deliver(log.append("a", "a").toReversed(), feed);
    await soon();
    log.append("a");
    await later();
    expect(log.applied).toEqual(log.ids);
  });

  test("if a node of an older version has moved the cursor", async () => {
    const { feed, halts } = await start("a");
    const [, moved] = log.append("a", "a");
    log.cursor = { position: moved?.position ?? 0, eventId: null };
    deliver(log.append("a"), feed);
    await later();
    expect(log.applied).toEqual(log.ids.slice(2));
    expect(halts).toStrictEqual([]);
  });

  test("again behind the cursor, if the database of the consumer was set back", async () => {
    const { feed, halts } = await start("a");
    deliver(log.append("a", "a", "a"), feed);
    await soon();
    log.cursor = { position: 1, eventId: log.ids[0] ?? "" };
    deliver(log.append("a"), feed);
    await soon();
    const [first, ...others] = log.ids;
    expect(log.applied).toEqual([first, ...others.slice(0, 2), ...others]);
    expect(halts).toStrictEqual([]);
  });
});

describe("a feed collects events", () => {
  /** Delivers an event every 10 ms for a second. */
  async function deliverSteadily(feed: EventFeed): Promise<void> {
    for (let n = 0; n < 100; n += 1) {
      deliver(log.append("a"), feed);
      await jest.advanceTimersByTimeAsync(10);
    }
  }

  test.each([
    ["25 ms", false, 30, 40],
    ["100 ms while its handler needs no events", true, 8, 10],
  ])("for %s", async (_title, isIdle, fewest, most) => {
    const { feed } = await start("a");
    log.isIdle = isIdle;
    await deliverSteadily(feed);
    expect(log.batchesAtMs.length).toBeGreaterThanOrEqual(fewest);
    expect(log.batchesAtMs.length).toBeLessThanOrEqual(most);
  });

  test("once for all batches of alternating handlers", async () => {
    const { feed } = await start("a", "c");
    const types = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? "a" : "c"));
    deliver(log.append(...types), feed);
    await jest.advanceTimersByTimeAsync(50);
    expect(log.applied).toEqual(log.ids);
    expect(log.batchesAtMs).toHaveLength(40);
  });
});

describe("at an event that a node does not know", () => {
  test("its feed halts, and applies and dead-letters nothing", async () => {
    const { feed, halts } = await start("a");
    deliver(log.append("a", "b", "a"), feed);
    await jest.advanceTimersByTimeAsync(60_000);
    deliver(log.append("a", "a"), feed);
    await later();
    expect(log.applied).toEqual(["a 1"]);
    expect(log.deadLetters).toEqual([]);
    expect(halts).toStrictEqual(["unknown_type"]);
    expect(feed.halt).toMatchObject({ position: 2, event: { type: "b" } });
  });

  test("a node with a newer version continues, and then the halted one", async () => {
    const old = await start("a");
    deliver(log.append("a", "b", "a"), old.feed);
    await soon();
    const { feed, halts } = await start("a", "b");
    await soon();
    expect(log.applied).toEqual(log.ids);
    expect(halts).toStrictEqual([]);
    expect(old.halts).toStrictEqual(["unknown_type", undefined]);
    await feed.stop();
    deliver(log.append("a"), old.feed);
    await soon();
    expect(log.applied).toEqual(log.ids);
  });

  test("both nodes apply known events, and only the newer one the others", async () => {
    const nodes = [(await start("a")).feed, (await start("a", "b")).feed];
    for (let n = 0; n < 10; n += 1) {
      deliver(log.append("a", "b", "a"), ...nodes);
      await soon();
    }
    expect(log.applied).toEqual(log.ids);
    expect(log.deadLetters).toEqual([]);
  });
});

describe("after the database of the producer was set back, a feed", () => {
  /** Applies five events. */
  async function withFiveApplied() {
    const started = await start("a");
    deliver(log.append("a", "a", "a", "a", "a"), started.feed);
    await soon();
    expect(log.applied).toHaveLength(5);
    return started;
  }

  test("halts while the log is shorter, and while it is longer than before", async () => {
    const { feed, halts } = await withFiveApplied();
    log.setBack(3);
    await later();
    expect(halts).toStrictEqual(["set_back"]);
    for (let n = 0; n < 6; n += 1) {
      deliver(log.append("a"), feed);
      await soon();
    }
    await later();
    expect(log.applied).toHaveLength(5);
    expect(log.deadLetters).toEqual([]);
    expect(halts).toStrictEqual(["set_back"]);
    expect(feed.halt).toMatchObject({ position: 5, reason: "set_back" });
  });

  test("halts at its start if the log has grown meanwhile", async () => {
    const { feed } = await withFiveApplied();
    await feed.stop();
    log.setBack(3);
    log.append("a", "a", "a", "a");
    const { halts } = await start("a");
    await soon();
    expect(halts).toStrictEqual(["set_back"]);
    expect(log.applied).toHaveLength(5);
  });

  test("does not apply an event of the new log that arrives before the next poll", async () => {
    const { feed, halts } = await withFiveApplied();
    log.setBack(4);
    const [, next] = log.append("a", "a");
    if (next) feed.receive(next);
    await soon();
    expect(next?.position).toBe(6);
    expect(log.applied).toHaveLength(5);
    expect(halts).toStrictEqual(["set_back"]);
  });

  test("continues when the cursor belongs to the log again", async () => {
    const { feed, halts } = await withFiveApplied();
    log.setBack(3);
    deliver(log.append("a", "a", "a"), feed);
    await later();
    log.cursor = { position: 3, eventId: log.ids[2] ?? "" };
    await soon();
    expect(log.applied.slice(5)).toEqual(log.ids.slice(3));
    expect(halts).toStrictEqual(["set_back", undefined]);
  });

  test("does not halt if it has not applied the lost events", async () => {
    const { feed, halts } = await withFiveApplied();
    await feed.stop();
    log.append("a", "a");
    log.setBack(5);
    log.append("a");
    const started = await start("a");
    await soon();
    expect(log.applied).toEqual(log.ids);
    expect([...halts, ...started.halts]).toStrictEqual([]);
  });
});
