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

/** Every third commit of a marked transaction fails. */
const failureInterval = 3;

/** Lets commits of the transactions fail that have sent a statement with this text. */
export function failCommits(mark: string): void {
  let commits = 0;
  mutateStatements("the failing commits", {
    concerns: ({ text, earlier }) =>
      text.startsWith("COMMIT") && earlier.some((statement) => statement.includes(mark)),
    async run({ text }, send) {
      commits += 1;
      return commits % failureInterval === 0 ? rollBack(send) : send(text);
    },
  });
}

/** Rolls the transaction back and throws the error of a server that is shut down. */
async function rollBack(send: Send): Promise<never> {
  await send("ROLLBACK");
  const message = "terminating connection due to administrator command";
  throw Object.assign(new Error(message), { code: "57P01" });
}
