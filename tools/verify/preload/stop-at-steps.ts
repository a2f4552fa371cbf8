import { intercept, type Statement } from "./intercept.ts";
import { steps, type Step } from "./steps.ts";

/**
 * Loaded into each node. Kills or stops the process at the armed step, and kills it when its parent
 * process is gone.
 */

/** To the node: the step at which it signals itself, or null for none. */
export interface ArmMessage {
  arm: { step: string; signal: "SIGKILL" | "SIGSTOP" } | null;
}

/** From the node: it has reached the armed step and now signals itself. */
export interface HitMessage {
  hit: string;
}

/** From the node: it has reached a step for the first time. */
export interface ReachedMessage {
  reached: string;
}

const unreached = new Set(steps);
let armed: { step: Step; signal: "SIGKILL" | "SIGSTOP" } | undefined;

process.on("message", ({ arm }: ArmMessage) => {
  const step = steps.find(({ name }) => name === arm?.step);
  armed = arm === null || step === undefined ? undefined : { step, signal: arm.signal };
});
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// The channel must not keep a node alive that shuts down.
process.channel?.unref();

intercept({
  concerns: isReached,
  async run({ text, values }, send) {
    const { step, signal } = armed ?? {};
    // Only once: other statements of this process must not stop it again.
    armed = undefined;
    const answer = step?.when === "after" ? await send(text, values) : undefined;
    await report({ hit: step?.name ?? "" });
    if (signal !== undefined) process.kill(process.pid, signal);
    return answer ?? send(text, values);
  },
});

/** Whether the armed step is reached. Reports each other step at its first time. */
function isReached(statement: Statement): boolean {
  for (const step of unreached) {
    if (!isAt(step, statement)) continue;
    unreached.delete(step);
    void report({ reached: step.name });
  }
  return armed !== undefined && isAt(armed.step, statement);
}

function isAt({ statement, within }: Step, { text, earlier }: Statement): boolean {
  if (!statement.test(text)) return false;
  return within === undefined || earlier.some((before) => within.test(before));
}

function report(message: HitMessage | ReachedMessage): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => {
      resolve();
    });
  });
}
