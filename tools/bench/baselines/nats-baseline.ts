import { fork } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "nats";

/** Measures NATS requests per second in a closed loop; one other process replies. */
export async function natsRequestRate(
  natsUrl: string,
  { inFlight, seconds }: { inFlight: number; seconds: number },
): Promise<number> {
  const responder = fork(join(import.meta.dirname, "nats-responder.ts"), {
    // The TMPDIR marks the process as part of the run.
    env: { PATH: process.env.PATH, TMPDIR: tmpdir(), NATS_URL: natsUrl },
  });
  await once(responder, "message");
  const nats = await connect({ servers: natsUrl });
  try {
    const startMs = performance.now();
    const endMs = startMs + seconds * 1000;
    let replies = 0;
    const worker = async () => {
      while (performance.now() < endMs) {
        const id = crypto.randomUUID();
        const { data } = await nats.request("baseline.request", id);
        if (Buffer.from(data).toString() !== id)
          throw new Error("NATS delivered the reply of another request");
        replies += 1;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return replies / ((performance.now() - startMs) / 1000);
  } finally {
    await nats.close();
    responder.kill();
    await once(responder, "exit");
  }
}
