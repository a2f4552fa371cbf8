import { expect, test } from "@jest/globals";
import { serviceUnavailable } from "../../core/errors.ts";
import { untilAvailable } from "../../core/tasks/until-available.ts";

/** Returns work that fails with an error a number of times, and the number of its calls. */
function failing(error: Error, times: number) {
  const work = {
    calls: 0,
    run: () => {
      work.calls += 1;
      return work.calls <= times ? Promise.reject(error) : Promise.resolve();
    },
  };
  return work;
}

test("work of a start is repeated while the database is unavailable", async () => {
  const work = failing(serviceUnavailable("The database is unavailable."), 2);
  await untilAvailable(work.run, { everyMs: 1 });
  expect(work.calls).toBe(3);
});

test("work of a start is not repeated after another error", async () => {
  const work = failing(new Error("the secret is wrong"), 1);
  await expect(untilAvailable(work.run, { everyMs: 1 })).rejects.toThrow("the secret is wrong");
  expect(work.calls).toBe(1);
});

test("work of a start fails after the deadline", async () => {
  const work = failing(serviceUnavailable("The database is unavailable."), Infinity);
  await expect(untilAvailable(work.run, { withinMs: 5, everyMs: 1 })).rejects.toThrow(
    "unavailable",
  );
});
