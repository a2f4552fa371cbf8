import { intercept, type Statement } from "./intercept.ts";
import { steps, type Step } from "./steps.ts";

/**
 * Loaded into each node. Holds a statement at the armed step until the run kills the process, or lets
 * it go on. Kills the process when its parent process is gone.
 */

/** To the node: the step at which it holds the next statement. Null for none; ends the hold. */
export interface ArmMessage {
  arm: string | null;
}

/** From the node: a statement is held at the armed step. */
export interface HitMessage {
  hit: string;
}

/** From the node: it has reached a step for the first time. */
export interface ReachedMessage {
  reached: string;
}

const unreached = new Set(steps);
let armed: Step | undefined;
let held: PromiseWithResolvers<undefined> | undefined;

process.on("message", ({ arm }: ArmMessage) => {
  armed = steps.find(({ name }) => name === arm);
  held?.resolve(undefined);
  held = undefined;
});
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// The channel must not keep a node alive that shuts down.
process.channel?.unref();

intercept({
  concerns: isReached,
  async run({ text, values }, send) {
    const step = armed;
    if (step === undefined) return send(text, values);
    // Only once: other statements of this process must not be held, too.
    armed = undefined;
    const hold = Promise.withResolvers<undefined>();
    held = hold;
    const answer = step.when === "after" ? await send(text, values) : undefined;
    // The run no longer waits for this step if it has let the node go on in the meantime.
    if (held === hold) report({ hit: step.name });
    await hold.promise;
    return answer ?? send(text, values);
  },
});

/** Whether the armed step is reached. Reports each other step at its first time. */
function isReached(statement: Statement): boolean {
  for (const step of unreached) {
    if (!isAt(step, statement)) continue;
    unreached.delete(step);
    report({ reached: step.name });
  }
  return armed !== undefined && isAt(armed, statement);
}

function isAt({ statement, within }: Step, { text, earlier }: Statement): boolean {
  if (!statement.test(text)) return false;
  return within === undefined || earlier.some((before) => within.test(before));
}

function report(message: HitMessage | ReachedMessage): void {
  process.send?.(message);
}
