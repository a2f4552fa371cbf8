import type { Server } from "node:net";
import { type Config } from "../../config/config.ts";
import { databaseUrlName } from "../../config/settings/cluster-settings.ts";
import { domainServices, type DomainService, type ServiceName } from "../../services/registry.ts";
import {
  assertOutsideOtherData,
  claimDataDir,
  type ClaimingCommand,
} from "../../embedded/data-dir.ts";
import { EmbeddedPostgres } from "../../embedded/postgres.ts";
import { assertPortsFree } from "./ports.ts";

type DatabaseUrls = Partial<Record<DomainService, string>>;

/** The databases of a single-process shop, and its claim of the data directory. */
export interface OwnDatabases {
  urls: DatabaseUrls;
  /** The server on the data directory's socket, which claims the directory for this process. */
  claim: Server;
  /** Resolves when the databases exist and answer. Rejects with CommandError. */
  ready: Promise<unknown>;
  close: () => Promise<void>;
}

/** Launches the databases for a command, and waits until they answer. Throws like `launchDatabases`. */
export async function openDatabases(
  config: Config,
  command: ClaimingCommand,
): Promise<OwnDatabases> {
  const databases = await launchDatabases(config, [], command);
  try {
    await databases.ready;
  } catch (error) {
    await databases.close();
    throw error;
  }
  return databases;
}

/**
 * Claims the data directory, and launches its embedded PostgreSQL unless the configuration names all
 * databases of the services. The caller awaits `ready`, and can load the services meanwhile. Throws
 * CommandError, or ListenError if a port of the services is in use.
 *
 * @param command the command that needs the databases; undefined for a shop
 */
export async function launchDatabases(
  config: Config,
  services: readonly ServiceName[],
  command?: ClaimingCommand,
): Promise<OwnDatabases> {
  const { dataDir, databaseUrls } = config;
  assertOutsideOtherData(dataDir);
  const claim = await claimDataDir(dataDir, command);
  const named = Object.entries(databaseUrls).filter(([, url]) => url !== undefined);
  const urls: DatabaseUrls = Object.fromEntries(named);
  let postgres: EmbeddedPostgres | undefined;
  const close = async () => {
    await postgres?.stop();
    claim.close();
  };
  try {
    await assertPortsFree(config, services);
    if (named.length === domainServices.length) {
      return { urls, claim, ready: Promise.resolve(), close };
    }
    warnOfEmbedded(databaseUrls);
    postgres = await EmbeddedPostgres.launch(dataDir);
  } catch (error) {
    await close();
    throw error;
  }
  const ready = postgres.createDatabases();
  // The caller may fail before it awaits `ready`.
  ready.catch(() => undefined);
  return { urls: { ...postgres.serviceUrls(), ...urls }, claim, ready, close };
}

/** Says which databases are embedded ones if others are not: a URL may have been forgotten. */
function warnOfEmbedded(databaseUrls: Config["databaseUrls"]): void {
  const embedded = domainServices.filter((name) => databaseUrls[name] === undefined);
  if (embedded.length === domainServices.length) return;
  const list = new Intl.ListFormat("en-GB");
  const settings = list.format(embedded.map(databaseUrlName));
  process.stderr.write(
    `Warning: the embedded PostgreSQL in DATA_DIR has the databases of ${list.format(embedded)}, because ${settings} ${embedded.length === 1 ? "is" : "are"} not set.\n`,
  );
}
