import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import type { EventEnvelope } from "../../core/contract.ts";
import { serviceUnavailable } from "../../core/errors.ts";
import { EventFeed } from "../../event-log/event-feed.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** More tries than this without any time between them are taken for endless, and end. */
const endless = 1_000;

const event = (position: number): EventEnvelope => ({
  id: `event ${position}`,
  type: "order.placed",
  version: 1,
  producer: "orders",
  position,
  occurredAt: "2030-01-01T00:00:00.000Z",
  data: {},
});

/** A feed that cannot apply anything, with these events to come. */
function failingFeed(fault: Error, events: EventEnvelope[]) {
  const tries: number[] = [];
  const faults: unknown[] = [];
  const buried: number[] = [];
  const feed = new EventFeed({
    begin: async () => true,
    readLog: async () => ({ events: [], head: 0, prunedTo: 0 }),
    apply: () => {
      tries.push(performance.now());
      if (tries.length >= endless) return new Promise<never>(() => undefined);
      return Promise.reject(fault);
    },
    deadLetter: async ({ position }) => void buried.push(position),
    onFault: (one) => faults.push(one),
  });
  feed.start();
  for (const one of events) feed.receive(one);
  return { tries, faults, buried };
}

test.each<[string, EventEnvelope[]]>([
  ["nothing to apply", []],
  ["an event to apply", [event(1)]],
])(
  "a database that refuses whatever it is asked is given time between the tries, with %s",
  async (_what, events) => {
    const { tries } = failingFeed(new Error("permission denied for table event_cursors"), events);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(tries.length).toBeGreaterThan(1);
    expect(tries.length).toBeLessThan(50);
  },
);

test("an event does not become a dead letter because the database is away", async () => {
  const { tries, faults, buried } = failingFeed(serviceUnavailable("away"), [event(1)]);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(tries.length).toBeGreaterThan(10);
  expect(tries.length).toBeLessThan(endless);
  expect(faults).toEqual([]);
  expect(buried).toEqual([]);
});

test("an event that fails five times while it stands alone is buried", async () => {
  const { faults, buried } = failingFeed(new Error("no sale of this"), [event(1)]);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(buried[0]).toBe(1);
  expect(faults[0]).toEqual(new Error("no sale of this"));
});
