import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { Config } from "../config/config.ts";
import type { DomainService, ServiceName } from "./registry.ts";

type Factory = (config: Config, databaseUrl: string) => ServiceSchema;

/** Where each domain service finds its database. */
export type DatabaseUrls = Partial<Record<DomainService, string>>;

/**
 * Reads a service's files and gives its schema. Only the services asked for are loaded at all.
 *
 * @param version a query such as `?reload=2` makes a hot reload read the files anew
 */
export async function loadService(
  name: ServiceName,
  config: Config,
  databaseUrls: DatabaseUrls,
  version = "",
): Promise<ServiceSchema> {
  const module = (await import(`./${name}/${name}.service.ts${version}`)) as { default: Factory };
  const url = name === "api" ? "" : databaseUrls[name];
  if (url === undefined) throw new Error(`no database URL for ${name}`);
  return module.default(config, url);
}

/** Makes all these services on a broker that has not started yet. */
export async function createServices(
  broker: ServiceBroker,
  names: readonly ServiceName[],
  config: Config,
  databaseUrls: DatabaseUrls,
): Promise<void> {
  for (const name of names) broker.createService(await loadService(name, config, databaseUrls));
}
