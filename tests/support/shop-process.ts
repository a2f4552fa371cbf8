import { openShop, operatorOf } from "./shop.ts";

/**
 * The program of `startMeasuredShop`: a shop that gets its settings and databases as a JSON argument,
 * and calls actions and measures itself on request. Needs `--expose-gc`.
 */

/** A request of the test. Each is answered before the next one is sent. */
export type Question = { call: string; params: object } | { measure: keyof Measures };

export type Reply = { value: unknown } | { fault: string };

/** The measurements. */
export interface Measures {
  /** Heap and buffers after garbage collection. */
  heapBytes: number;
  /** CPU time of all threads so far. */
  cpuMs: number;
  /** CPU time of a constant piece of work: the current speed of the machine. */
  unitMs: number;
  /** The number of calls of each action so far. */
  calls: Record<string, number>;
}

const [env, urls] = JSON.parse(process.argv[2] ?? "[]") as Parameters<typeof openShop>;
const { broker, url } = await openShop(env, urls);
const operator = operatorOf(broker);

const measures: { [Name in keyof Measures]: () => Measures[Name] } = {
  heapBytes() {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
  cpuMs() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  unitMs() {
    const startMs = measures.cpuMs();
    const rows = Array.from({ length: 5_000 }, (_, id) => ({ id, name: `product ${id}` }));
    JSON.parse(JSON.stringify(rows));
    return measures.cpuMs() - startMs;
  },
  calls() {
    const metric = broker.metrics.getMetric("moleculer.request.total");
    const series = metric?.snapshot() as unknown as { labels: { action: string }; value: number }[];
    const calls: Record<string, number> = {};
    for (const { labels, value } of series)
      calls[labels.action] = (calls[labels.action] ?? 0) + value;
    return calls;
  },
};

async function answerTo(question: Question): Promise<unknown> {
  if ("measure" in question) return measures[question.measure]();
  return operator(question.call, question.params);
}

process.on("message", (question: Question) => {
  void answerTo(question)
    .then(
      (value): Reply => ({ value }),
      (error: unknown): Reply => ({ fault: String(error) }),
    )
    .then((reply) => {
      // The test may have ended.
      if (process.connected) process.send?.(reply);
    });
});
// The process ends with its test, also after a crash.
process.once("disconnect", () => {
  void broker.stop().finally(() => process.exit());
});
process.send?.({ value: url } satisfies Reply);
