import { intercept, type Interception, type Send } from "../preload/intercept.ts";

/** A part of a mutant has changed a statement for the first time in this process. */
export interface MutatedMessage {
  mutatedPart: string;
}

const effectiveParts = new Set<string>();

/** Changes statements for one part of a mutant. Reports the first change to the parent process. */
export function mutateStatements(part: string, { concerns, run }: Interception): void {
  intercept({
    concerns,
    run(statement, send, aside) {
      if (!effectiveParts.has(part)) {
        process.send?.({ mutatedPart: part } satisfies MutatedMessage);
      }
      effectiveParts.add(part);
      return run(statement, send, aside);
    },
  });
}

/** Rolls the transaction back and throws the error of a server that is shut down. */
export async function rollBack(send: Send): Promise<never> {
  await send("ROLLBACK");
  const message = "terminating connection due to administrator command";
  throw Object.assign(new Error(message), { code: "57P01" });
}
