import { fileURLToPath } from "node:url";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { serviceNames, type ServiceName } from "./registry.ts";

/** The default export of each `*.service.ts`, which Moleculer's `loadService` accepts. */
type ServiceFactory = (broker: ServiceBroker) => ServiceSchema;

/** Returns the path of a service's file. */
export function serviceFile(name: ServiceName): string {
  return fileURLToPath(urlOf(name));
}

/**
 * Imports a service's files and returns its schema. Files of other services are not loaded.
 *
 * @param version a query such as `?reload=2`, with which a hot reload imports the files again
 */
export async function loadService(
  broker: ServiceBroker,
  name: ServiceName,
  version = "",
): Promise<ServiceSchema> {
  const module = (await import(`${urlOf(name)}${version}`)) as { default: ServiceFactory };
  return module.default(broker);
}

/** Returns the services of this project that run on a broker. */
export function servicesOf(broker: ServiceBroker): ServiceName[] {
  const names = new Set(broker.services.map(({ name }) => name));
  return serviceNames.filter((name) => names.has(name));
}

/** Creates services on a broker that has not started yet. */
export async function createServices(
  broker: ServiceBroker,
  names: readonly ServiceName[],
): Promise<void> {
  for (const name of names) broker.createService(await loadService(broker, name));
}

function urlOf(name: ServiceName): string {
  return new URL(`${name}/${name}.service.ts`, import.meta.url).href;
}
