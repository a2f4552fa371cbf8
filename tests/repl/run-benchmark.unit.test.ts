import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { runBenchmark } from "../../commands/repl/run-benchmark.ts";

let printed: string;
beforeEach(() => {
  printed = "";
  // The time limit of the command, which stays after its end.
  jest.spyOn(globalThis, "setTimeout").mockImplementation(() => undefined as never);
  jest.spyOn(console, "log").mockImplementation((...values: unknown[]) => {
    printed += `${values.join(" ")}\n`;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

test.each([
  [true, 1],
  [true, 25],
  [false, 25],
])("a benchmark ends with its result: success %s, %i calls", async (succeeds, num) => {
  let calls = 0;
  const call = (action: string, params: unknown, options: unknown) => {
    calls += 1;
    expect({ action, params, options }).toEqual({
      action: "shop.do",
      params: { name: "O'Brien" },
      options: { meta: { key: 7 } },
    });
    return succeeds ? Promise.resolve(calls) : Promise.reject(new Error("rejected"));
  };
  await runBenchmark({ call } as unknown as Pick<ServiceBroker, "call">, {
    call: {
      nodeId: undefined,
      action: "shop.do",
      params: { name: "O'Brien" },
      meta: { key: 7 },
      options: {},
    },
    options: { num },
  });
  expect(calls).toBe(num);
  expect(printed).toContain(`${num} requests in`);
});
