import { intercept, type Statement } from "./intercept.ts";
import { steps, type Step } from "./steps.ts";

/**
 * Loaded into each node: it kills or stops its own process at the step it was told to, and ends it
 * when who started it is gone.
 */

/** At which step to send oneself which signal; null: at none. */
export interface ArmMessage {
  arm: { step: string; signal: "SIGKILL" | "SIGSTOP" } | null;
}

/** The step is reached: the signal comes right behind this. */
export interface HitMessage {
  hit: string;
}

/** A step is reached for the first time in this process. */
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
// The node decides itself when it has nothing to do any more.
process.channel?.unref();

intercept({
  concerns: isReached,
  async run({ text, values }, send) {
    const { step, signal } = armed ?? {};
    // Once: what else goes on in this process must not stop again.
    armed = undefined;
    const answer = step?.when === "after" ? await send(text, values) : undefined;
    await tell({ hit: step?.name ?? "" });
    if (signal !== undefined) process.kill(process.pid, signal);
    return answer ?? send(text, values);
  },
});

/** Whether the step that was told is reached; of all others only the first time is of interest. */
function isReached(statement: Statement): boolean {
  for (const step of unreached) {
    if (!isAt(step, statement)) continue;
    unreached.delete(step);
    void tell({ reached: step.name });
  }
  return armed !== undefined && isAt(armed.step, statement);
}

function isAt({ statement, within }: Step, { text, earlier }: Statement): boolean {
  if (!statement.test(text)) return false;
  return within === undefined || earlier.some((before) => within.test(before));
}

function tell(message: HitMessage | ReachedMessage): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => {
      resolve();
    });
  });
}
