import { intercept, type Interception, type Send } from "../preload/intercept.ts";

/** A part of the break has changed something. */
export interface MutatedMessage {
  broke: string;
}

const atWork = new Set<string>();

/** Intercepts statements for a part of a break, and tells who started this process at its first. */
export function changeSource(part: string, { concerns, run }: Interception): void {
  intercept({
    concerns,
    run(statement, send, aside) {
      if (!atWork.has(part)) process.send?.({ broke: part } satisfies MutatedMessage);
      atWork.add(part);
      return run(statement, send, aside);
    },
  });
}

/** A transaction whose commit does not arrive, as when the server is stopped. */
export async function rollBack(send: Send): Promise<never> {
  await send("ROLLBACK");
  const message = "terminating connection due to administrator command";
  throw Object.assign(new Error(message), { code: "57P01" });
}
