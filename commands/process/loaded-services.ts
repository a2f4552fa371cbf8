import { pathToFileURL } from "node:url";
import type { Service, ServiceBroker, ServiceSchema } from "moleculer";

/** `loadService` of a broker, and so the REPL's command `load`, notes the file of a service. */
type LoadedService = Service & { __filename?: string };

/** The default export of a file that Moleculer's `loadService` accepts, except for a class. */
type ServiceExport = ServiceSchema | ((broker: ServiceBroker) => ServiceSchema);

/** Returns the services of a broker that were loaded from a file by `loadService`. */
export function servicesFrom(broker: ServiceBroker, file: string): Service[] {
  return broker.services.filter((service: LoadedService) => service.__filename === file);
}

/**
 * Replaces the services that were loaded from a file by its new version. If the new version cannot be
 * loaded, the old one stays.
 *
 * @param version a query such as `?reload=2`, with which Node imports the file again
 */
export async function reloadFile(
  broker: ServiceBroker,
  file: string,
  version: string,
): Promise<Service> {
  const url = `${pathToFileURL(file).href}${version}`;
  const { default: exported } = (await import(url)) as { default: ServiceExport };
  const schema = typeof exported === "function" ? exported(broker) : exported;
  for (const old of servicesFrom(broker, file)) await broker.destroyService(old);
  const service: LoadedService = broker.createService(schema);
  service.__filename = file;
  return service;
}
