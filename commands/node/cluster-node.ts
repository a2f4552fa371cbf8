import { ConfigError } from "../../config/config-reader.ts";
import { missingDatabaseUrl, type Config } from "../../config/config.ts";
import { domainServices, type ServiceName } from "../../services/registry.ts";

/**
 * Throws ConfigError unless NATS and the databases of the services are configured: a cluster node
 * has no embedded database.
 */
export function requireCluster(
  { nats, databaseUrls }: Config,
  services: readonly ServiceName[],
): void {
  const missing = domainServices
    .filter((name) => services.includes(name) && databaseUrls[name] === undefined)
    .map(missingDatabaseUrl);
  if (!nats) {
    missing.unshift("TRANSPORTER is not set; for example TRANSPORTER=nats://localhost:4222");
  }
  if (missing.length > 0) throw new ConfigError(missing.join("\n"));
}
