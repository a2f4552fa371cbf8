import type { ServiceBroker } from "moleculer";
import { isSentence } from "./program.ts";

const patienceMs = 3_000;

/**
 * Starts a broker; what was started is stopped again when a service does not start. The wait for
 * NATS, which may be long and is silent otherwise, is logged.
 */
export async function startBroker(broker: ServiceBroker): Promise<void> {
  const reminder = setInterval(() => {
    if (broker.transit?.connected === false) {
      broker.logger.warn("NATS cannot be reached, or does not let this node in; still trying.");
    }
  }, patienceMs);
  const log = broker.logger.error;
  // Moleculer logs, with its stack, what the program is going to say in a sentence.
  broker.logger.error = (...words: unknown[]) => {
    if (!words.some(isSentence)) log(...words);
  };
  try {
    await broker.start();
  } catch (error) {
    await broker.stop();
    throw error;
  } finally {
    clearInterval(reminder);
    broker.logger.error = log;
  }
}
