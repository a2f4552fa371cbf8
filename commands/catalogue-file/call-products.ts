import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import {
  codeOf,
  isClientError,
  isRetryable,
  isUnreachable,
  serviceUnavailable,
} from "../../core/errors.ts";

const retryForMs = 60_000;
const retryEveryMs = 1_000;
const callTimeoutMs = 15_000;

/**
 * Calls an action of `products`, and calls it again for a minute while the shop is unavailable. A call
 * whose answer was lost may have taken effect.
 *
 * @param onWait called before each pause
 */
export async function callProducts<Result>(
  broker: ServiceBroker,
  action: string,
  params: object,
  onWait: () => void,
): Promise<Result> {
  const begunMs = performance.now();
  for (;;) {
    try {
      // Moleculer logs each call of an unavailable action.
      if (!broker.registry.actions.isAvailable(action)) {
        throw serviceUnavailable("'products' does not run");
      }
      return await broker.call<Result, object>(action, params, { timeout: callTimeoutMs });
    } catch (error) {
      const canRetry = isRetryable(error) || isUnreachable(codeOf(error));
      if (!canRetry || isClientError(error)) throw error;
      if (performance.now() - begunMs > retryForMs) throw error;
      onWait();
      await sleep(retryEveryMs);
    }
  }
}
