import { createRequire } from "node:module";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import type { Benchmark } from "./bench-line.ts";

/** The part of the broker that Moleculer's command uses. */
type Caller = Pick<ServiceBroker, "call">;

/** Moleculer's command `bench`. It resolves when the first call has begun. */
type Handler = (
  broker: Caller,
  args: { action: string; jsonParams: string; meta: string; options: Benchmark["options"] },
) => Promise<void>;

const require = createRequire(import.meta.url);

/** Runs Moleculer's command `bench`, and waits until it has printed its result. */
export async function runBenchmark(
  broker: Caller,
  { call: { action, params, meta }, options }: Benchmark,
): Promise<void> {
  const { handler } = require("moleculer-repl/src/commands/bench.js") as { handler: Handler };
  let latest: Promise<unknown> | undefined;
  const call = (...args: Parameters<ServiceBroker["call"]>) => {
    latest = broker.call(...args);
    return latest;
  };
  const args = { action, jsonParams: JSON.stringify(params), meta: JSON.stringify(meta), options };
  await handler({ call } as Caller, args);
  for (let ended; ended !== latest;) {
    ended = latest;
    await Promise.allSettled([ended]);
    // The command makes its next call at once, or in the next turn of the event loop.
    await nextTurn();
    await nextTurn();
  }
}
