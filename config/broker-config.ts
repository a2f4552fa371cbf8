import type { ServiceBroker } from "moleculer";
import type { Config } from "./config.ts";

/** Not among the broker's options: `$node.options` shows those to every node, and this has secrets. */
const configs = new WeakMap<ServiceBroker, Config>();

/** Keeps the configuration that the services of a broker read. */
export function setConfig(broker: ServiceBroker, config: Config): void {
  configs.set(broker, config);
}

/** The configuration of a broker that `brokerOptions` of `moleculer.config.ts` has configured. */
export function configOf(broker: ServiceBroker): Config {
  const config = configs.get(broker);
  if (config === undefined) {
    throw new Error("This broker has no configuration: create it with moleculer.config.ts.");
  }
  return config;
}
