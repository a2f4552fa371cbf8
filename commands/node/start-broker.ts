import type { ServiceBroker } from "moleculer";
import { isSentence } from "../process/program.ts";

/**
 * Starts a broker, and stops it again if a service does not start.
 *
 * @param start the broker's original `start`, if it was replaced
 */
export async function startBroker(
  broker: ServiceBroker,
  start = () => broker.start(),
): Promise<void> {
  const unmute = muteSentences(broker);
  try {
    await start();
  } catch (error) {
    await broker.stop();
    throw error;
  } finally {
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
