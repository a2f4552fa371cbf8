import { Errors, type ServiceBroker } from "moleculer";
import { loadConfig, singleProcessDefaults, type Config } from "../../config/config.ts";
import type { Progress } from "../../core/progress.ts";
import { CommandError } from "../../core/command-error.ts";
import { isClientError, isServiceUnavailable } from "../../core/errors.ts";
import { domainServices, requiredServices } from "../../services/registry.ts";
import { assertHoldsShop } from "../../embedded/data-dir.ts";
import { joinShop } from "./join.ts";
import { closeWhenOpen, interruptedStatus, isStopping, stopOnSignals } from "../process/program.ts";
import { openSingleProcess } from "./single-process.ts";

const servicesWithinMs = 10_000;

/** The shop that a command works on as an operator. */
export interface OperatorShop {
  broker: ServiceBroker;
  config: Config;
  /** False if the command itself opened the shop on DATA_DIR. */
  isJoined: boolean;
}

interface ShopOptions {
  /** The start of the node's id. */
  role: string;
  progress: Progress;
  /** A command that only reads opens no new shop: DATA_DIR may be mistyped. */
  isReadOnly?: boolean;
}

/**
 * Runs a command on a running shop, or on the shop on DATA_DIR, which it opens without a gateway.
 * A shop that stops, or that fails at a call, ends it with a CommandError. A signal ends the program
 * with the status of an interruption.
 */
export async function withShop(
  { role, progress, isReadOnly = false }: ShopOptions,
  command: (shop: OperatorShop) => Promise<void>,
): Promise<void> {
  const config = { ...loadConfig(singleProcessDefaults), metricsPort: undefined };
  progress.show({ name: "opening the shop", share: 0 });
  const joined = await joinShop(config, role);
  if (isReadOnly && joined === undefined && config.databaseUrls.products === undefined) {
    assertHoldsShop(config.dataDir);
  }
  const opening = joined ? undefined : openSingleProcess(config, domainServices);
  stopOnSignals(async () => {
    progress.end();
    await joined?.stop();
    await closeWhenOpen(opening, ({ broker }) => broker.stop());
  }, interruptedStatus);
  const shop = await opening;
  const broker = joined ?? shop?.broker;
  if (broker === undefined || isStopping()) return;
  try {
    await shop?.start();
    await broker.waitForServices([...requiredServices], servicesWithinMs).catch(() => {
      throw new CommandError(
        "Some of the shop's services are not running; start them and try again.",
      );
    });
    await command({ broker, config, isJoined: joined !== undefined });
  } catch (error) {
    throw callFailure(error);
  } finally {
    progress.end();
    await broker.stop();
  }
}

/**
 * Returns the error of a call to the shop as a CommandError with a sentence. Returns any other error
 * as it is: it is a bug of the command, and its stack is needed.
 */
export function callFailure(error: unknown): unknown {
  if (!(error instanceof Errors.MoleculerError)) return error;
  return new CommandError(sentenceOf(error), { cause: error });
}

function sentenceOf(error: Errors.MoleculerError): string {
  const { type, message } = error;
  if (isServiceUnavailable(error)) {
    return `The shop has stopped, or cannot be reached now (${message}). Run the command again when it is open; what has taken effect stays.`;
  }
  if (isClientError(error)) return `The shop has rejected a call: ${message} (${type})`;
  return `The shop has failed at a call; its log has the reason (${message}).`;
}
