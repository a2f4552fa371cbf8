import type { Progress } from "../../core/progress.ts";

/** The steps of the demo, with the shares of the whole work from which to which they last. */
const steps = {
  "registering customers": [0, 0.3],
  "creating products": [0.3, 0.5],
  "placing orders": [0.5, 1],
} as const;

/** Shows how far a step is. */
export function showStep(
  progress: Progress,
  name: keyof typeof steps,
  done: number,
  total: number,
): void {
  const [from, to] = steps[name];
  const share = from + ((to - from) * done) / total;
  progress.show({ name, detail: `${done} of ${total}`, share });
}
