import type { Server } from "node:net";
import { type Config } from "../../config/config.ts";
import { databaseUrlName } from "../../config/settings/cluster-settings.ts";
import { domainServices, type DomainService, type ServiceName } from "../../services/registry.ts";
import { claimDataDir, type ClaimingCommand } from "../../embedded/data-dir.ts";
import { EmbeddedPostgres } from "../../embedded/postgres.ts";
import { assertPortsFree } from "./ports.ts";

/** The database URL of each domain service. */
type DatabaseUrls = Partial<Record<DomainService, string>>;

/** The databases of a single-process shop, and its claim of the data directory. */
export interface OwnDatabases {
  urls: DatabaseUrls;
  /** Listens on the data directory's socket. */
  server: Server;
  close: () => Promise<void>;
}

/**
 * Claims the data directory, and starts its embedded PostgreSQL unless the configuration names all
 * databases of the services. Throws StartError, or ListenError if a port of the services is in use.
 *
 * @param command the command that needs the databases; undefined for a shop
 */
export async function openDatabases(
  config: Config,
  services: readonly ServiceName[],
  command?: ClaimingCommand,
): Promise<OwnDatabases> {
  const { dataDir, databaseUrls } = config;
  const server = await claimDataDir(dataDir, command);
  const named = Object.entries(databaseUrls).filter(([, url]) => url !== undefined);
  let urls: DatabaseUrls = Object.fromEntries(named);
  let postgres: EmbeddedPostgres | undefined;
  const close = async () => {
    await postgres?.stop();
    server.close();
  };
  try {
    await assertPortsFree(config, services);
    if (named.length < domainServices.length) {
      warnOfEmbedded(databaseUrls);
      postgres = await EmbeddedPostgres.start(dataDir);
      urls = { ...(await postgres.createDatabases()), ...urls };
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { urls, server, close };
}

/** Says which databases are embedded ones if others are not: a URL may have been forgotten. */
function warnOfEmbedded(databaseUrls: Config["databaseUrls"]): void {
  const embedded = domainServices.filter((name) => databaseUrls[name] === undefined);
  if (embedded.length === domainServices.length) return;
  const settings = embedded.map(databaseUrlName).join(" and ");
  process.stderr.write(
    `Warning: the embedded PostgreSQL in DATA_DIR has the databases of ${embedded.join(" and ")}, because ${settings} ${embedded.length === 1 ? "is" : "are"} not set.\n`,
  );
}
