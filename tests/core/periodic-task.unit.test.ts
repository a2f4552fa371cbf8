import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { PeriodicTask } from "../../core/periodic-task.ts";

const everyMs = 1_000;
let started: PeriodicTask[];
let faults: unknown[];

beforeEach(() => {
  jest.useFakeTimers();
  started = [];
  faults = [];
});
afterEach(async () => {
  await Promise.all(started.map((repeat) => repeat.stop()));
  jest.useRealTimers();
});

function repeating(work: () => Promise<void>): PeriodicTask {
  const repeat = new PeriodicTask(everyMs, work, (fault) => faults.push(fault));
  started.push(repeat);
  return repeat;
}

/** Work whose rounds end when the test says so. */
function heldWork() {
  const rounds: PromiseWithResolvers<undefined>[] = [];
  const work = async () => {
    const round = Promise.withResolvers<undefined>();
    rounds.push(round);
    await round.promise;
  };
  /** Ends the round that is at work, and lets everything that waits for it go on. */
  const endRound = async () => {
    rounds.at(-1)?.resolve(undefined);
    await settled();
  };
  return { rounds, work, endRound };
}

/** Lets all that waits for nothing but promises go on. */
async function settled(): Promise<void> {
  await jest.advanceTimersByTimeAsync(0);
}

test("works at once, and then at every interval", async () => {
  let rounds = 0;
  const repeat = repeating(async () => void (rounds += 1));
  expect(rounds).toBe(0);
  repeat.start();
  await settled();
  expect(rounds).toBe(1);
  await jest.advanceTimersByTimeAsync(everyMs - 1);
  expect(rounds).toBe(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(rounds).toBe(2);
  await jest.advanceTimersByTimeAsync(3 * everyMs);
  expect(rounds).toBe(5);
});

test("works when it is asked to, also before it was started", async () => {
  let rounds = 0;
  const repeat = repeating(async () => void (rounds += 1));
  repeat.trigger();
  await settled();
  repeat.trigger();
  await settled();
  expect(rounds).toBe(2);
});

test("never works twice at once, and gathers what comes meanwhile into one more round", async () => {
  const { rounds, work, endRound } = heldWork();
  const repeat = repeating(work);
  repeat.start();
  for (let n = 0; n < 5; n += 1) repeat.trigger();
  await jest.advanceTimersByTimeAsync(3 * everyMs);
  expect(rounds).toHaveLength(1);
  await endRound();
  expect(rounds).toHaveLength(2);
  await endRound();
  expect(rounds).toHaveLength(2);
});

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  "hears what is asked of it %i steps of promises after a round has ended",
  async (steps) => {
    const { rounds, work, endRound } = heldWork();
    const repeat = repeating(work);
    repeat.trigger();
    const asked = rounds[0]?.promise.then(async () => {
      for (let step = 0; step < steps; step += 1) await Promise.resolve();
      repeat.trigger();
    });
    await endRound();
    await asked;
    expect(rounds).toHaveLength(2);
    await endRound();
  },
);

test("reports what failed, and tries again at its next time and not before", async () => {
  const outcomes = ["disk full", "still full", undefined, undefined];
  let rounds = 0;
  const repeat = repeating(async () => {
    const fault = outcomes[rounds];
    rounds += 1;
    if (fault !== undefined) throw new Error(fault);
  });
  repeat.start();
  await jest.advanceTimersByTimeAsync(everyMs - 1);
  expect(rounds).toBe(1);
  await jest.advanceTimersByTimeAsync(1);
  await jest.advanceTimersByTimeAsync(everyMs);
  expect(rounds).toBe(3);
  expect(faults).toEqual([new Error("disk full"), new Error("still full")]);
});

test("stops when the round that it is at has ended, and never begins another", async () => {
  const { rounds, work, endRound } = heldWork();
  const repeat = repeating(work);
  repeat.start();
  let stopped = false;
  const stopping = repeat.stop().then(() => (stopped = true));
  await jest.advanceTimersByTimeAsync(2 * everyMs);
  expect(stopped).toBe(false);
  await endRound();
  await stopping;
  await jest.advanceTimersByTimeAsync(5 * everyMs);
  expect(rounds).toHaveLength(1);
});

test("stops at once when it is at nothing", async () => {
  let rounds = 0;
  const repeat = repeating(async () => void (rounds += 1));
  repeat.start();
  await settled();
  await repeat.stop();
  await jest.advanceTimersByTimeAsync(5 * everyMs);
  expect(rounds).toBe(1);
});

test("never begins when it was stopped before it was started", async () => {
  let rounds = 0;
  const repeat = repeating(async () => void (rounds += 1));
  await repeat.stop();
  repeat.start();
  await jest.advanceTimersByTimeAsync(5 * everyMs);
  expect(rounds).toBe(0);
});
