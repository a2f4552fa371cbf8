import type { ServiceBroker } from "moleculer";
import { isSentence } from "../process/program.ts";

/**
 * Connects a broker to the other nodes before its services are created. Moleculer connects in
 * `start`, and then waits 500 ms for the other nodes to introduce themselves.
 */
export function connectEarly({ transit }: ServiceBroker): void {
  if (!transit) return;
  const connected = transit.connect();
  transit.connect = () => connected;
}

/**
 * Starts a broker, and stops it again if that fails.
 *
 * @param start in place of the broker's `start`
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
