import type { ServiceBroker } from "moleculer";
import type { Config } from "./config.ts";

/** Kept apart from the broker's options, which `$node.options` shows to every node: it has secrets. */
const configs = new WeakMap<ServiceBroker, Config>();

/** Stores the configuration that the services of a broker read. */
export function setConfig(broker: ServiceBroker, config: Config): void {
  configs.set(broker, config);
}

/** Returns the configuration of a broker that was created with `moleculer.config.ts`. */
export function configOf(broker: ServiceBroker): Config {
  const config = configs.get(broker);
  if (config === undefined) {
    throw new Error("This broker has no configuration: create it with moleculer.config.ts.");
  }
  return config;
}
