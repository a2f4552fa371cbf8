import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { PeriodicTask } from "../../core/tasks/periodic-task.ts";

const everyMs = 1_000;
let tasks: PeriodicTask[];
let faults: unknown[];

beforeEach(() => {
  jest.useFakeTimers();
  tasks = [];
  faults = [];
});
afterEach(async () => {
  await Promise.all(tasks.map((task) => task.stop()));
  jest.useRealTimers();
});

function createTask(work: () => Promise<void>): PeriodicTask {
  const task = new PeriodicTask(everyMs, work, (fault) => faults.push(fault));
  tasks.push(task);
  return task;
}

/** Work whose runs end when the test ends them. */
function heldWork() {
  const runs: PromiseWithResolvers<undefined>[] = [];
  const work = async () => {
    const run = Promise.withResolvers<undefined>();
    runs.push(run);
    await run.promise;
  };
  /** Ends the current run, and lets everything that waits for it continue. */
  const endRun = async () => {
    runs.at(-1)?.resolve(undefined);
    await settled();
  };
  return { runs, work, endRun };
}

/** Waits until no resolved promise has a pending continuation. */
async function settled(): Promise<void> {
  await jest.advanceTimersByTimeAsync(0);
}

test("a task runs at its start, and then at every interval", async () => {
  let runs = 0;
  const task = createTask(async () => void (runs += 1));
  expect(runs).toBe(0);
  task.start();
  await settled();
  expect(runs).toBe(1);
  await jest.advanceTimersByTimeAsync(everyMs - 1);
  expect(runs).toBe(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(runs).toBe(2);
  await jest.advanceTimersByTimeAsync(3 * everyMs);
  expect(runs).toBe(5);
});

test("a trigger runs the task at once, even before its start", async () => {
  let runs = 0;
  const task = createTask(async () => void (runs += 1));
  task.trigger();
  await settled();
  task.trigger();
  await settled();
  expect(runs).toBe(2);
});

test("triggers during a run cause exactly one further run, after the current one", async () => {
  const { runs, work, endRun } = heldWork();
  const task = createTask(work);
  task.start();
  for (let n = 0; n < 5; n += 1) task.trigger();
  await jest.advanceTimersByTimeAsync(3 * everyMs);
  expect(runs).toHaveLength(1);
  await endRun();
  expect(runs).toHaveLength(2);
  await endRun();
  expect(runs).toHaveLength(2);
});

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  "a trigger %i microtasks after the end of a run causes another run",
  async (steps) => {
    const { runs, work, endRun } = heldWork();
    const task = createTask(work);
    task.trigger();
    const triggered = runs[0]?.promise.then(async () => {
      for (let step = 0; step < steps; step += 1) await Promise.resolve();
      task.trigger();
    });
    await endRun();
    await triggered;
    expect(runs).toHaveLength(2);
    await endRun();
  },
);

test("a failed run is reported, and the task runs again at its next interval", async () => {
  const outcomes = ["disk full", "still full", undefined, undefined];
  let runs = 0;
  const task = createTask(async () => {
    const fault = outcomes[runs];
    runs += 1;
    if (fault !== undefined) throw new Error(fault);
  });
  task.start();
  await jest.advanceTimersByTimeAsync(everyMs - 1);
  expect(runs).toBe(1);
  await jest.advanceTimersByTimeAsync(1);
  await jest.advanceTimersByTimeAsync(everyMs);
  expect(runs).toBe(3);
  expect(faults).toEqual([new Error("disk full"), new Error("still full")]);
});

test("stop waits for the current run, and no other run begins", async () => {
  const { runs, work, endRun } = heldWork();
  const task = createTask(work);
  task.start();
  let isStopped = false;
  const stopping = task.stop().then(() => (isStopped = true));
  await jest.advanceTimersByTimeAsync(2 * everyMs);
  expect(isStopped).toBe(false);
  await endRun();
  await stopping;
  await jest.advanceTimersByTimeAsync(5 * everyMs);
  expect(runs).toHaveLength(1);
});

test("stop returns at once between runs", async () => {
  let runs = 0;
  const task = createTask(async () => void (runs += 1));
  task.start();
  await settled();
  await task.stop();
  await jest.advanceTimersByTimeAsync(5 * everyMs);
  expect(runs).toBe(1);
});

test("a task that was stopped before its start never runs", async () => {
  let runs = 0;
  const task = createTask(async () => void (runs += 1));
  await task.stop();
  task.start();
  await jest.advanceTimersByTimeAsync(5 * everyMs);
  expect(runs).toBe(0);
});
