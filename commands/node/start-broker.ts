import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { isFixable } from "../process/program.ts";

/** A NATS server that is near answers in some milliseconds. */
const handshakeWithinMs = 100;
const pollMs = 2;

/**
 * Connects a broker to the other nodes before its services are created. Moleculer connects in
 * `start`, and then waits 500 ms for the other nodes to introduce themselves: the services are
 * created in this time. Resolves after the handshake, which would otherwise wait for the files of
 * the services, because loading them blocks the event loop.
 */
export async function connectEarly({ transit }: ServiceBroker): Promise<void> {
  if (!transit) return;
  const introduced = transit.connect();
  transit.connect = () => introduced;
  const deadlineMs = performance.now() + handshakeWithinMs;
  while (!transit.tx.connected && performance.now() < deadlineMs) await sleep(pollMs);
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
  const unmute = muteFixableErrors(broker);
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
 * Keeps a broker from logging errors that the user can fix, because the program prints them. Returns
 * the function that restores the log.
 */
export function muteFixableErrors(broker: ServiceBroker): () => void {
  const log = broker.logger.error;
  broker.logger.error = (...words: unknown[]) => {
    if (!words.some(isFixable)) log(...words);
  };
  return () => {
    broker.logger.error = log;
  };
}
