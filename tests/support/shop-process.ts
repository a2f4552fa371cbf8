import { openShop, operatorOf } from "./shop.ts";

/**
 * The program of `startMeasuredShop`: a shop which is told its settings and its databases as JSON,
 * and which calls actions and measures itself when it is asked to. It needs `--expose-gc`.
 */

/** What its test may ask of it; each question is answered before the next one is sent. */
export type Question = { call: string; params: object } | { measure: keyof Measures };

export type Reply = { value: unknown } | { fault: string };

/** What can be measured in a process that does nothing else. */
export interface Measures {
  /** What is left on the heap, and of buffers, after garbage collection. */
  heapBytes: number;
  /** CPU time used so far, by all threads. */
  cpuMs: number;
  /** CPU time of a piece of work that is always the same: how fast this machine is at the moment. */
  unitMs: number;
  /** Calls of each action so far. */
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
    const begunMs = measures.cpuMs();
    const rows = Array.from({ length: 5_000 }, (_, id) => ({ id, name: `product ${id}` }));
    JSON.parse(JSON.stringify(rows));
    return measures.cpuMs() - begunMs;
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
      // The test may have ended meanwhile.
      if (process.connected) process.send?.(reply);
    });
});
// It ends with its test, however that ends.
process.once("disconnect", () => {
  void broker.stop().finally(() => process.exit());
});
process.send?.({ value: url } satisfies Reply);
