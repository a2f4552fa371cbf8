import { existsSync } from "node:fs";
import { ConfigError } from "../../config/config-reader.ts";
import type { Config } from "../../config/config.ts";
import { databaseUrlName } from "../../config/settings/cluster-settings.ts";
import { CommandError } from "../../core/command-error.ts";
import { assertHoldsShop, isListening, postgresFolder, socketOf } from "../../embedded/data-dir.ts";
import { postgresUrl } from "../../embedded/postgres-databases.ts";
import { domainServices } from "../../services/registry.ts";
import { openDatabases } from "../node/databases.ts";
import { readCommandLine } from "../process/command-line.ts";

/** Returns the only argument of a command, the path of a folder. Throws CommandError. */
export function folderArgument(command: string, name: string): string {
  const usage = `npm run ${command} -- ${name}`;
  const [path, ...others] = readCommandLine({ allowPositionals: true }, usage).positionals;
  if (path === undefined || path === "" || others.length > 0) {
    throw new CommandError(`Name one folder. Usage: ${usage}`);
  }
  return path;
}

/** Throws ConfigError if a database is not in DATA_DIR: a backup would be incomplete. */
export function assertEmbedded({ databaseUrls }: Config): void {
  const named = domainServices.find((service) => databaseUrls[service] !== undefined);
  if (named === undefined) return;
  throw new ConfigError(
    `${databaseUrlName(named)} names a database outside of DATA_DIR; backups of this command contain DATA_DIR only. docs/backup.md describes backups of other databases.`,
  );
}

/** The embedded PostgreSQL that a command uses. */
interface EmbeddedData {
  /** The URL of one of its databases. */
  url: string;
  close: () => Promise<void>;
}

/**
 * Returns the server of a running shop, or starts the server of the shop on DATA_DIR. Throws
 * ConfigError or CommandError.
 */
export async function openEmbedded(config: Config): Promise<EmbeddedData> {
  assertEmbedded(config);
  const { dataDir } = config;
  assertHoldsShop(dataDir);
  const url = postgresUrl(postgresFolder(dataDir), "postgres");
  const path = socketOf(dataDir);
  const isRunning = existsSync(path) && (await isListening(path));
  if (isRunning) return { url, close: async () => undefined };
  const { close } = await openDatabases(config, "backup");
  return { url, close };
}
