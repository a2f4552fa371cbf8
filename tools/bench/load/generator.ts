import { quantile } from "../statistics.ts";
import { HttpConnection } from "./http-connection.ts";
import type { LoadOptions, Measured } from "./load.ts";

/**
 * The load generator, a process of its own. It sends requests in a closed loop and checks every
 * response. The parent process sends one `LoadOptions` message per measurement.
 */
process.on("message", (load: LoadOptions) => {
  run(load).then(
    (measured) => process.send?.(measured),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});

async function run({
  port,
  requests,
  inFlight,
  seconds,
  acceptsAnyResponse,
}: LoadOptions): Promise<Measured> {
  const latencies: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  let next = 0;
  const worker = async () => {
    const connection = new HttpConnection(port);
    try {
      for (let now = performance.now(); now < endMs; now = performance.now()) {
        const load = requests[next % requests.length];
        next += 1;
        if (load === undefined) throw new Error("no requests to send");
        const response = await connection.send(load.request);
        latencies.push(performance.now() - now);
        const isCorrect = response.startsWith("HTTP/1.1 200") && response.includes(load.expected);
        if (!isCorrect && !acceptsAnyResponse) {
          throw new Error(`expected ${load.expected}, got ${response.slice(0, 500)}`);
        }
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  return {
    perSecond: latencies.length / elapsedSeconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}
