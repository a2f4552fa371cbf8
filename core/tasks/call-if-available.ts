import type { CallingOptions, ServiceBroker } from "moleculer";

/**
 * Calls an action. Returns undefined if no node has it: Moleculer would log a warning for each such
 * call.
 */
export async function callIfAvailable<Result>(
  broker: ServiceBroker,
  action: string,
  params: object,
  options?: CallingOptions,
): Promise<Result | undefined> {
  if (!broker.registry.actions.isAvailable(action)) return undefined;
  return broker.call<Result, object>(action, params, options);
}
