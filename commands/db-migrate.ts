import { loadConfig, singleProcessDefaults } from "../config/config.ts";
import { domainServices, type DomainService } from "../services/registry.ts";
import { databaseProblemOf } from "../database/errors/database-problem.ts";
import { openSequelize } from "../database/sequelize.ts";
import {
  migrate,
  type MigrateOptions,
  type MigrationResult,
} from "../database/migrator/migrate.ts";
import { CommandError } from "../core/command-error.ts";
import { assertHoldsShop } from "../embedded/data-dir.ts";
import { areDatabasesNamed } from "./node/cluster-node.ts";
import { openDatabases } from "./node/databases.ts";
import { readCommandLine } from "./process/command-line.ts";
import { closeWhenOpen, interruptedStatus, runProgram, stopOnSignals } from "./process/program.ts";

/** One connection migrates, another one finds out whose locks it waits for. */
const poolMax = 2;
/** Two of the 5 s after which each node queries its database at the latest. */
const contractAfterMs = 11_000;

/**
 * `npm run db:migrate`: migrates the databases of the services that SERVICES names, by default of
 * all. With `--contract`, applies contract migrations, too. Ends with status 1 if a migration fails.
 */
await runProgram(async () => {
  const options = { contract: { type: "boolean", default: false } } as const;
  const { values } = readCommandLine({ options }, "npm run db:migrate -- [--contract]");
  const config = loadConfig(singleProcessDefaults);
  const named = domainServices.filter((name) => config.services.includes(name));
  const isExternal = areDatabasesNamed(config, named);
  if (!isExternal) assertHoldsShop(config.dataDir);
  const opening = isExternal ? undefined : openDatabases(config, "db:migrate");
  stopOnSignals(() => closeWhenOpen(opening, (databases) => databases.close()), interruptedStatus);
  const urls = (await opening)?.urls ?? config.databaseUrls;
  const migrateOptions: MigrateOptions = {
    warn: (message) => process.stderr.write(`${message}\n`),
    // No other process can use the embedded databases of a folder that this one has claimed.
    ...(values.contract && { contractAfterMs: isExternal ? contractAfterMs : 0 }),
  };
  try {
    // At the same time, so that the nodes of all services are watched together.
    const done = await Promise.allSettled(
      named.map((name) => migrateService(name, urls[name] ?? "", migrateOptions)),
    );
    for (const [index, outcome] of done.entries()) {
      if (outcome.status === "fulfilled") {
        process.stdout.write(`${named[index]}: ${textOf(outcome.value)}\n`);
      }
    }
    const failed = done.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  } finally {
    await (await opening)?.close();
  }
});

async function migrateService(
  service: DomainService,
  url: string,
  options: MigrateOptions,
): Promise<MigrationResult> {
  const sequelize = openSequelize(url, poolMax);
  const folder = new URL(`../services/${service}/migrations/`, import.meta.url);
  try {
    return await migrate(sequelize, folder, options);
  } catch (error) {
    throw databaseProblemOf(error, { service, url }) ?? migrationFailed(service, error);
  } finally {
    await sequelize.close();
  }
}

/** Makes the error of a migration that PostgreSQL rejects. Its transaction is rolled back. */
function migrationFailed(service: DomainService, error: unknown): Error {
  if (error instanceof CommandError) return error;
  const message = `The migration of ${service} failed: ${String(error)}`;
  return new CommandError(message, { cause: error });
}

function textOf({ applied, pending }: MigrationResult): string {
  const done = applied.length > 0 ? applied.join(", ") : "up to date";
  if (pending.length === 0) return done;
  return `${done}; --contract applies ${pending.join(", ")} when all nodes have this version`;
}
