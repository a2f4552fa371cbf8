import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { connect } from "nats";

/** Requests a second over NATS that one other process answers, in a closed loop. */
export async function bareRequestRate(
  natsUrl: string,
  { inFlight, seconds }: { inFlight: number; seconds: number },
): Promise<number> {
  const responder = fork(join(import.meta.dirname, "nats-responder.ts"), {
    env: { PATH: process.env.PATH, NATS_URL: natsUrl },
  });
  await once(responder, "message");
  const nats = await connect({ servers: natsUrl });
  try {
    const begun = performance.now();
    const end = begun + seconds * 1000;
    let answered = 0;
    const worker = async () => {
      while (performance.now() < end) {
        const id = crypto.randomUUID();
        const { data } = await nats.request("floor.request", id);
        if (Buffer.from(data).toString() !== id) throw new Error("NATS gave another's answer");
        answered += 1;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return answered / ((performance.now() - begun) / 1000);
  } finally {
    await nats.close();
    responder.kill();
    await once(responder, "exit");
  }
}
