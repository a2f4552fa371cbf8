import { existsSync } from "node:fs";
import { ServiceBroker } from "moleculer";
import type { Config } from "../../config/config.ts";
import { isListening, socketOf } from "../../embedded/data-dir.ts";
import { LocalTransporter } from "../../embedded/local-transporter.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { startBroker } from "./start-broker.ts";

/**
 * Joins a running shop with a new node: the NATS cluster of the configuration, or the shop that
 * runs on the data directory. Returns undefined if no shop runs there.
 */
export async function joinShop(config: Config, role: string): Promise<ServiceBroker | undefined> {
  const path = socketOf(config.dataDir);
  const isReachable = config.nats !== undefined || (existsSync(path) && (await isListening(path)));
  if (!isReachable) return undefined;
  const broker = new ServiceBroker(
    brokerOptions(config, role, { transporter: new LocalTransporter({ path }) }),
  );
  await startBroker(broker);
  return broker;
}
