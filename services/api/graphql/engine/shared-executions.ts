import { executePlan } from "./execute.ts";
import type { Execution, ExecutionInput } from "./execution-state.ts";
import type { SelectionPlan } from "./plan.ts";

const executions = new WeakMap<object, WeakMap<SelectionPlan, Promise<Execution>>>();

/**
 * Executes an event that many subscriptions get as the same object: once for all that select the same,
 * whose plans are the same object. `isFirst` is false if the execution is that of another subscription.
 */
export async function executeShared(
  input: ExecutionInput & { root: object },
): Promise<Execution & { isFirst: boolean }> {
  const { plan, root } = input;
  if (!isPure(plan, true)) return { ...(await executePlan(input)), isFirst: true };
  const ofEvent = executions.get(root) ?? new WeakMap<SelectionPlan, Promise<Execution>>();
  executions.set(root, ofEvent);
  const found = ofEvent.get(plan);
  if (found !== undefined) return { ...(await found), isFirst: false };
  const execution = executePlan(input);
  ofEvent.set(plan, execution);
  return { ...(await execution), isFirst: true };
}

/**
 * Returns true if a response has properties of the event only. A resolver, for example of a service from
 * outside this project, can depend on the viewer.
 */
function isPure({ fields }: SelectionPlan, isRoot: boolean): boolean {
  return fields.every(({ definition, selections }) => {
    const isOwn = isRoot || (definition.resolve === undefined && definition.args.length === 0);
    return isOwn && [...selections.values()].every((below) => isPure(below, false));
  });
}
