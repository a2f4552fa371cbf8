import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { Errors } from "moleculer";
import type { EventEnvelope } from "../../core/contract.ts";
import { serviceUnavailable } from "../../core/errors.ts";
import { EventFeed } from "../../event-log/consumer/event-feed.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** After this many attempts without a pause, the fake handler stops, so that the test can fail. */
const maxAttempts = 1_000;

const event = (position: number): EventEnvelope => ({
  id: `event ${position}`,
  type: "order.placed",
  version: 1,
  producer: "orders",
  position,
  occurredAt: "2030-01-01T00:00:00.000Z",
  data: {},
});

/** A feed whose handler always fails, with these events to apply. */
function failingFeed(fault: Error, events: EventEnvelope[]) {
  const attempts: number[] = [];
  const faults: unknown[] = [];
  const deadLetters: number[] = [];
  const feed = new EventFeed({
    begin: async () => true,
    readLog: async () => ({ events: [], head: 0, prunedTo: 0, previousId: null }),
    apply: () => {
      attempts.push(performance.now());
      if (attempts.length >= maxAttempts) return new Promise<never>(() => undefined);
      return Promise.reject(fault);
    },
    deadLetter: async ({ position }) => void deadLetters.push(position),
    onFault: (one) => faults.push(one),
    onHalt: () => undefined,
  });
  feed.start();
  for (const one of events) feed.receive(one);
  return { attempts, faults, deadLetters };
}

test.each<[string, EventEnvelope[]]>([
  ["nothing to apply", []],
  ["an event to apply", [event(1)]],
])(
  "the feed pauses between attempts while the database rejects every statement, with %s",
  async (_what, events) => {
    const { attempts } = failingFeed(
      new Error("permission denied for table event_cursors"),
      events,
    );
    await jest.advanceTimersByTimeAsync(1_000);
    expect(attempts.length).toBeGreaterThan(1);
    expect(attempts.length).toBeLessThan(50);
  },
);

test("the feed does not dead-letter an event while the database is unavailable", async () => {
  const { attempts, faults, deadLetters } = failingFeed(serviceUnavailable("down"), [event(1)]);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(attempts.length).toBeGreaterThan(10);
  expect(attempts.length).toBeLessThan(maxAttempts);
  expect(faults).toEqual([]);
  expect(deadLetters).toEqual([]);
});

test("the feed dead-letters an event that fails five times in a batch of its own", async () => {
  const { faults, deadLetters } = failingFeed(new Error("no sale of this"), [event(1)]);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(deadLetters[0]).toBe(1);
  expect(faults[0]).toEqual(new Error("no sale of this"));
});

test.each<[string, Error, number]>([
  ["a producer that is away, without a report", new Errors.ServiceNotAvailableError({}), 0],
  ["a log that cannot be read, with one report", new Error("no permission"), 1],
])("the feed goes on reading at %s", async (_title, fault, reports) => {
  const faults: unknown[] = [];
  let reads = 0;
  const feed = new EventFeed({
    begin: async () => true,
    readLog: () => {
      reads += 1;
      return Promise.reject(fault);
    },
    apply: async () => ({ position: 0, eventId: null }),
    deadLetter: async () => undefined,
    onFault: (one) => faults.push(one),
    onHalt: () => undefined,
  });
  feed.start();
  await jest.advanceTimersByTimeAsync(5_000);
  await feed.stop();
  expect(reads).toBeGreaterThan(2);
  expect(faults).toHaveLength(reports);
});
