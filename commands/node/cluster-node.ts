import { ConfigError } from "../../config/config-reader.ts";
import { missingDatabaseUrl, type Config } from "../../config/config.ts";
import { domainServices, type DomainService, type ServiceName } from "../../services/registry.ts";

/**
 * Throws ConfigError unless NATS and the databases of the services are configured: a cluster node
 * has no embedded database.
 */
export function requireCluster(
  { nats, databaseUrls }: Config,
  services: readonly ServiceName[],
): void {
  const missing = missingUrls(databaseUrls, services);
  if (!nats) {
    missing.unshift("TRANSPORTER is not set; for example TRANSPORTER=nats://localhost:4222");
  }
  if (missing.length > 0) throw new ConfigError(missing.join("\n"));
}

/**
 * Returns true if the configuration names the databases of the services, false if they are the
 * embedded ones: if it names neither a database nor NATS. Throws ConfigError if it names only some
 * of them: a forgotten setting must not create an embedded database.
 */
export function areDatabasesNamed(
  { nats, databaseUrls }: Pick<Config, "nats" | "databaseUrls">,
  services: readonly ServiceName[],
): boolean {
  const isAnyNamed = Object.values(databaseUrls).some((url) => url !== undefined);
  if (nats === undefined && !isAnyNamed) return false;
  const missing = missingUrls(databaseUrls, services);
  if (missing.length === 0) return true;
  throw new ConfigError(
    `${missing.join("\n")}\nOther settings name a cluster, so the embedded database is not used. If a service has no database, name the others in SERVICES, for example SERVICES=users,products,orders. Nothing was changed.`,
  );
}

/** Returns a sentence for each service that has no database URL. */
function missingUrls(
  databaseUrls: Config["databaseUrls"],
  services: readonly ServiceName[],
): string[] {
  const isMissing = (name: DomainService) => databaseUrls[name] === undefined;
  return domainServices
    .filter((name) => services.includes(name) && isMissing(name))
    .map(missingDatabaseUrl);
}
