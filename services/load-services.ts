import { fileURLToPath } from "node:url";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { serviceNames, type ServiceName } from "./registry.ts";

/** What each `*.service.ts` exports by default, and Moleculer's `loadService` accepts. */
type ServiceFactory = (broker: ServiceBroker) => ServiceSchema;

/** The path of a service's file. */
export function serviceFile(name: ServiceName): string {
  return fileURLToPath(urlOf(name));
}

/**
 * Reads a service's files and gives its schema. Only the services asked for are loaded at all.
 *
 * @param version a query such as `?reload=2` makes a hot reload read the files anew
 */
export async function loadService(
  broker: ServiceBroker,
  name: ServiceName,
  version = "",
): Promise<ServiceSchema> {
  const module = (await import(`${urlOf(name)}${version}`)) as { default: ServiceFactory };
  return module.default(broker);
}

/** The services of this project that a broker has. */
export function servicesOf(broker: ServiceBroker): ServiceName[] {
  const names = new Set(broker.services.map(({ name }) => name));
  return serviceNames.filter((name) => names.has(name));
}

/** Makes all these services on a broker that has not started yet. */
export async function createServices(
  broker: ServiceBroker,
  names: readonly ServiceName[],
): Promise<void> {
  for (const name of names) broker.createService(await loadService(broker, name));
}

function urlOf(name: ServiceName): string {
  return new URL(`${name}/${name}.service.ts`, import.meta.url).href;
}
