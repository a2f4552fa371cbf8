import { afterEach, describe, expect, test } from "@jest/globals";
import { CursorSeal } from "../../services/api/subscriptions/log/cursor-seal.ts";
import type { LogSubscription } from "../../services/api/subscriptions/log/log-subscription.ts";
import type { LogTail } from "../../services/api/subscriptions/log/log-tail.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { cursorKey, FakeLog, subscribe } from "../support/fakes/fake-log.ts";

const seal = new CursorSeal(cursorKey);
const tails: LogTail[] = [];
afterEach(() => {
  for (const tail of tails.splice(0)) tail.stop();
});

function startTail(log: FakeLog): LogTail {
  const tail = log.newTail();
  tails.push(tail);
  return tail;
}

/** Reads the numbers of the next events. */
async function take(subscription: LogSubscription, count: number): Promise<unknown[]> {
  const numbers: unknown[] = [];
  while (numbers.length < count) {
    const { done, value } = await subscription.next();
    if (done === true) break;
    numbers.push(value.data.n);
  }
  return numbers;
}

/** Appends events with consecutive numbers. */
function appendNumbers(log: FakeLog, first: number, last: number) {
  return numbersFrom(first, last).map((n) => log.append("placed", { n }));
}

function numbersFrom(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

describe("a subscription without a cursor", () => {
  test("gets only later events, in the order of the log", async () => {
    const log = new FakeLog();
    const tail = startTail(log);
    appendNumbers(log, 1, 3);
    const subscription = await subscribe(tail);
    const [four, five, six] = appendNumbers(log, 4, 6);
    for (const event of [five, five, six, four, six]) if (event) tail.receive(event);
    expect(await take(subscription, 3)).toEqual([4, 5, 6]);
    expect(log.slices).toEqual([]);
  });

  test("gets an event that the broker lost, which one read of the log brings to all subscriptions", async () => {
    const log = new FakeLog();
    const tail = startTail(log);
    const subscriptions = await Promise.all(Array.from({ length: 20 }, () => subscribe(tail)));
    expect(log.heads).toBe(1);
    const [, two] = appendNumbers(log, 1, 2);
    if (two) tail.receive(two);
    for (const subscription of subscriptions) expect(await take(subscription, 2)).toEqual([1, 2]);
    expect(log.slices).toHaveLength(1);
  });

  test("gets an event that is missing while the producer is away, after its return", async () => {
    const log = new FakeLog();
    const tail = startTail(log);
    const subscription = await subscribe(tail);
    const next = take(subscription, 2);
    const [, two] = appendNumbers(log, 1, 2);
    log.isAway = true;
    if (two) tail.receive(two);
    await eventually("a read of the log", () => log.failed > 0);
    log.isAway = false;
    expect(await next).toEqual([1, 2]);
    expect(log.faults).toEqual([]);
  });

  test("is not stopped by positions of events of other types, and does not get them", async () => {
    const log = new FakeLog();
    const tail = startTail(log);
    const subscription = await subscribe(tail);
    const events = [log.append("other"), log.append("shipped"), ...appendNumbers(log, 1, 1)];
    for (const event of events) tail.receive(event);
    expect(await take(subscription, 1)).toEqual([1]);
  });

  test("fails while the producer is away, and leaves nothing", async () => {
    const log = new FakeLog();
    const tail = startTail(log);
    log.isAway = true;
    await expect(subscribe(tail)).rejects.toMatchObject({ type: "SERVICE_UNAVAILABLE" });
    log.isAway = false;
    const subscription = await subscribe(tail);
    expect(tail.count("placed")).toBe(1);
    await subscription.return();
    expect(tail.count("placed")).toBe(0);
  });

  test("that is slower than the tail reads the rest from the log", async () => {
    const log = new FakeLog();
    const tail = startTail(log);
    const subscription = await subscribe(tail);
    for (const event of appendNumbers(log, 1, 2_500)) tail.receive(event);
    expect(await take(subscription, 2_500)).toEqual(numbersFrom(1, 2_500));
    expect(log.slices.length).toBeGreaterThan(0);
  });

  test("ends while it waits", async () => {
    const subscription = await subscribe(startTail(new FakeLog()));
    const next = subscription.next();
    await subscription.return();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});

describe("a subscription after a cursor", () => {
  test("gets the missed events and then the new ones, through another gateway", async () => {
    const log = new FakeLog(10);
    const first = await subscribe(startTail(log));
    const tail = startTail(log);
    appendNumbers(log, 1, 1);
    tails[0]?.receive({ position: 1, type: "placed", version: 1, data: { n: 1 } });
    expect(await take(first, 1)).toEqual([1]);
    appendNumbers(log, 2, 55);
    const resumed = await subscribe(tail, { after: first.cursor });
    const numbers = take(resumed, 56);
    for (const event of appendNumbers(log, 56, 57)) tail.receive(event);
    expect(await numbers).toEqual(numbersFrom(2, 57));
  });

  test("gets only events that match, and reads no others", async () => {
    const log = new FakeLog();
    const tail = startTail(log);
    for (const n of numbersFrom(1, 40)) log.append("placed", { n, user: n % 2 ? "a" : "b" });
    const subscription = await subscribe(tail, { after: seal.seal(30), match: { user: "a" } });
    const live = log.append("placed", { n: 41, user: "b" });
    tail.receive(live);
    tail.receive(log.append("placed", { n: 42, user: "a" }));
    expect(await take(subscription, 6)).toEqual([31, 33, 35, 37, 39, 42]);
    expect(log.slices[0]).toEqual({ position: 30, types: ["placed"], match: { user: "a" } });
  });

  test("reads the next slice only when the client has received the events of the last one", async () => {
    const log = new FakeLog(10);
    appendNumbers(log, 1, 50);
    const subscription = await subscribe(startTail(log), { after: seal.seal(0) });
    expect(await take(subscription, 10)).toEqual(numbersFrom(1, 10));
    expect(log.slices).toHaveLength(1);
    expect(await take(subscription, 1)).toEqual([11]);
    expect(log.slices).toHaveLength(2);
  });

  test("is slowed down to the rate limit, and pays for each slice", async () => {
    const log = new FakeLog(10);
    appendNumbers(log, 1, 20);
    const taken: number[] = [];
    let isInDebt = true;
    const pay = (cost: number) => {
      taken.push(cost);
      isInDebt = !isInDebt;
      return isInDebt ? 0.001 : undefined;
    };
    const subscription = await subscribe(startTail(log), { after: seal.seal(0), take: pay });
    expect(await take(subscription, 20)).toEqual(numbersFrom(1, 20));
    expect(taken.filter((cost) => cost > 0).length).toBeGreaterThanOrEqual(2);
  });

  test("that is ahead of the tail gets no event twice", async () => {
    const log = new FakeLog();
    const tail = startTail(log);
    const other = await subscribe(tail);
    const events = appendNumbers(log, 1, 3);
    const ahead = await subscribe(tail, { after: seal.seal(2) });
    for (const event of events) tail.receive(event);
    expect(await take(ahead, 1)).toEqual([3]);
    expect(await take(other, 3)).toEqual([1, 2, 3]);
  });

  test("is rejected if a restored log has another event at its position", async () => {
    const log = new FakeLog();
    const lost = appendNumbers(log, 1, 8)[6];
    const cursor = seal.seal(7, lost?.id);
    const tail = startTail(log);
    const numbers = await subscribe(tail, { after: cursor });
    expect(await take(numbers, 1)).toEqual([8]);
    await numbers.return();
    // The backup had five events, and seven followed.
    log.events.length = 5;
    appendNumbers(log, 6, 12);
    for (const gateway of [startTail(log), tail]) {
      const opening = subscribe(gateway, { after: cursor });
      await expect(opening).rejects.toMatchObject({ type: "CURSOR_EXPIRED" });
      expect(gateway.count("placed")).toBe(0);
    }
    const before = await subscribe(startTail(log), { after: seal.seal(5, log.events[4]?.id) });
    expect(await take(before, 2)).toEqual([6, 7]);
  });

  test("is checked without a read of the log if the tail has its event", async () => {
    const log = new FakeLog();
    const tail = startTail(log);
    await subscribe(tail);
    const [one, two] = appendNumbers(log, 1, 2);
    for (const event of [one, two]) if (event) tail.receive(event);
    const resumed = await subscribe(tail, { after: seal.seal(1, one?.id) });
    expect(await take(resumed, 1)).toEqual([2]);
    expect(log.slices).toEqual([]);
  });

  test("may name the last pruned event", async () => {
    const log = new FakeLog();
    const [, two] = appendNumbers(log, 1, 3);
    log.prunedTo = 2;
    const resumed = await subscribe(startTail(log), { after: seal.seal(2, two?.id) });
    expect(await take(resumed, 1)).toEqual([3]);
  });

  test.each<[string, (log: FakeLog) => string, string]>([
    ["another text", () => "x", "BAD_USER_INPUT"],
    ["a cursor beyond the head", (log) => seal.seal(log.head + 1), "CURSOR_EXPIRED"],
    ["a cursor of pruned events", () => seal.seal(2), "CURSOR_EXPIRED"],
  ])("is rejected for %s, and leaves nothing", async (_title, cursorOf, type) => {
    const log = new FakeLog();
    const tail = startTail(log);
    appendNumbers(log, 1, 9);
    log.prunedTo = 5;
    const opening = subscribe(tail, { after: cursorOf(log) });
    await expect(opening).rejects.toMatchObject({ type });
    expect(tail.count("placed")).toBe(0);
    await subscribe(tail, { after: seal.seal(5) });
    expect(tail.count("placed")).toBe(1);
  });

  test("gets no event after its access is revoked", async () => {
    const log = new FakeLog();
    const tail = startTail(log);
    appendNumbers(log, 1, 5);
    const state: { error?: Error } = {};
    const revocation = () => state.error;
    const missed = await subscribe(tail, { after: seal.seal(0), revocation });
    const live = await subscribe(tail, { revocation });
    expect(await take(missed, 1)).toEqual([1]);
    const next = live.next();
    state.error = new Error("access revoked");
    await expect(missed.next()).rejects.toThrow("access revoked");
    for (const event of appendNumbers(log, 6, 6)) tail.receive(event);
    await expect(next).rejects.toThrow("access revoked");
    expect(tail.count("placed")).toBe(0);
  });
});

test("subscriptions end with CURSOR_EXPIRED when the log is pruned past the tail, or is restored", async () => {
  for (const damage of [
    (log: FakeLog) => (log.prunedTo = log.head),
    (log: FakeLog) => (log.events.length = 1),
    (log: FakeLog) => {
      log.events.length = 4;
      appendNumbers(log, 5, 9);
    },
  ]) {
    const log = new FakeLog();
    const tail = startTail(log);
    appendNumbers(log, 1, 5);
    const subscription = await subscribe(tail);
    const [six] = appendNumbers(log, 6, 8);
    if (six) tail.receive(six);
    expect(await take(subscription, 1)).toEqual([6]);
    const next = subscription.next();
    damage(log);
    tail.receive({ position: 9, type: "placed", version: 1, data: {} });
    await expect(next).rejects.toMatchObject({ type: "CURSOR_EXPIRED" });
  }
});

test("a client that changes gateways at random gets each event once, over a broker that loses, repeats and reorders", async () => {
  const log = new FakeLog(7);
  const gateways = [startTail(log), startTail(log)];
  // Keeps both tails running, like other clients.
  for (const tail of gateways) await subscribe(tail);
  const total = 1_000;
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const received: unknown[] = [];
  const client = (async () => {
    let after: string | undefined = seal.seal(0);
    while (received.length < total) {
      const tail = gateways[random(2)];
      if (tail === undefined) throw new Error("no gateway");
      const subscription = await subscribe(tail, { after });
      received.push(...(await take(subscription, Math.min(total - received.length, random(40)))));
      after = subscription.cursor;
      await subscription.return();
    }
  })();
  const publish = async () => {
    for (let n = 1; n <= total; n += 5) {
      const events = appendNumbers(log, n, n + 4).sort(() => random(3) - 1);
      for (const event of events) {
        for (const tail of gateways) for (let k = random(3); k > 0; k -= 1) tail.receive(event);
      }
      await new Promise(setImmediate);
    }
    // Shows each tail what it misses. Without it, they would poll the log some seconds later.
    const last = log.append("other");
    for (const tail of gateways) tail.receive(last);
  };
  await Promise.all([client, publish()]);
  expect(received).toEqual(numbersFrom(1, total));
  await eventually("the tails to reach the head", () =>
    gateways.every(({ position }) => position === log.head),
  );
});
