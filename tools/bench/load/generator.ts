import { quantile } from "../statistics.ts";
import { HttpConnection } from "./http-connection.ts";
import type { LoadOptions, Measured } from "./load.ts";

/**
 * The load generator, a process of its own: sends requests in a closed loop, so many at a time,
 * and looks at every answer. Takes its orders from its parent, one `Load` after the other.
 */
process.on("message", (load: LoadOptions) => {
  run(load).then(
    (measured) => process.send?.(measured),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});

async function run({ port, shots, inFlight, seconds, takesAll }: LoadOptions): Promise<Measured> {
  const latencies: number[] = [];
  const begun = performance.now();
  const end = begun + seconds * 1000;
  let next = 0;
  const worker = async () => {
    const connection = new HttpConnection(port);
    try {
      for (let now = performance.now(); now < end; now = performance.now()) {
        const shot = shots[next % shots.length];
        next += 1;
        if (shot === undefined) throw new Error("there is nothing to send");
        const answer = await connection.send(shot.request);
        latencies.push(performance.now() - now);
        const isRight = answer.startsWith("HTTP/1.1 200") && answer.includes(shot.expected);
        if (!isRight && !takesAll) {
          throw new Error(`expected ${shot.expected}, got ${answer.slice(0, 500)}`);
        }
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const elapsedSeconds = (performance.now() - begun) / 1000;
  return {
    perSecond: latencies.length / elapsedSeconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}
