import { quantile } from "../measuring/statistics.ts";
import { HttpConnection } from "./http-connection.ts";
import type { LoadOptions, LoadRequest, Measured } from "./load.ts";

/** A response that is not there by then fails the measurement. */
const lateAfterMs = 60_000;

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
  const connections = Array.from({ length: inFlight }, () => new HttpConnection(port));
  const startMs = performance.now();
  let endMs = startMs + seconds * 1000;
  let failure: Error | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    // No worker may go on during the next measurement.
    endMs = 0;
    for (const connection of connections) connection.close();
  };
  const late = setTimeout(
    () => {
      fail(new Error(`no response within ${lateAfterMs / 1000} s after the end of the load`));
    },
    seconds * 1000 + lateAfterMs,
  );
  const send = async (connection: HttpConnection, { request, expected }: LoadRequest) => {
    const response = await connection.send(request);
    const isCorrect = response.startsWith("HTTP/1.1 200") && response.includes(expected);
    if (!isCorrect && !acceptsAnyResponse) {
      throw new Error(`expected ${expected}, got ${response.slice(0, 500)}`);
    }
  };
  const worker = async (connection: HttpConnection, number: number) => {
    let next = number;
    for (let now = performance.now(); now < endMs; now = performance.now()) {
      const load = requests[next % requests.length];
      next += inFlight;
      if (load === undefined) throw new Error("no requests to send");
      await send(connection, load);
      for (const step of load.followedBy ?? []) await send(connection, step);
      latencies.push(performance.now() - now);
    }
  };
  await Promise.all(
    connections.map((connection, number) => worker(connection, number).catch(fail)),
  );
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  clearTimeout(late);
  for (const connection of connections) connection.close();
  if (failure !== undefined) throw failure;
  return {
    perSecond: latencies.length / elapsedSeconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}
