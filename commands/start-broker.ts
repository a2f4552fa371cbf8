import type { ServiceBroker } from "moleculer";
import { isSentence } from "./program.ts";

const patienceMs = 3_000;

/**
 * Starts a broker; what was started is stopped again when a service does not start. The wait for
 * NATS, which may be long and is silent otherwise, is logged.
 *
 * @param start the broker's own `start`, where it has been replaced
 */
export async function startBroker(
  broker: ServiceBroker,
  start = () => broker.start(),
): Promise<void> {
  const reminder = setInterval(() => {
    if (broker.transit?.connected === false) {
      broker.logger.warn("NATS cannot be reached, or does not let this node in; still trying.");
    }
  }, patienceMs);
  const unmute = muteSentences(broker);
  try {
    await start();
  } catch (error) {
    await broker.stop();
    throw error;
  } finally {
    clearInterval(reminder);
    unmute();
  }
}

/**
 * Keeps a broker from logging, with their stacks, the errors that the program is going to say in a
 * sentence. Gives the function that ends this.
 */
export function muteSentences(broker: ServiceBroker): () => void {
  const log = broker.logger.error;
  broker.logger.error = (...words: unknown[]) => {
    if (!words.some(isSentence)) log(...words);
  };
  return () => {
    broker.logger.error = log;
  };
}
