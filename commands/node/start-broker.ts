import type { ServiceBroker } from "moleculer";
import { isSentence } from "../process/program.ts";

const reminderMs = 3_000;

/**
 * Starts a broker, and stops it again if a service does not start. While the broker waits for NATS,
 * a warning is logged at an interval: Moleculer itself waits without a message.
 *
 * @param start the broker's original `start`, if it was replaced
 */
export async function startBroker(
  broker: ServiceBroker,
  start = () => broker.start(),
): Promise<void> {
  const reminder = setInterval(() => {
    if (broker.transit?.connected === false) {
      broker.logger.warn("NATS cannot be reached, or rejects this node; still trying.");
    }
  }, reminderMs);
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
 * Keeps a broker from logging errors that the program prints as a sentence. Returns the function
 * that restores the log.
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
