import { loadConfig, singleProcessDefaults } from "../config/config.ts";
import { StartError } from "../embedded/data-dir.ts";
import { domainServices, requiredServices } from "../services/registry.ts";
import { databaseProblemOf } from "../database/errors/database-problem.ts";
import { openSequelize } from "../database/sequelize.ts";
import { migrate } from "../database/migrate.ts";
import { openDatabases } from "./node/databases.ts";
import { interruptedStatus, runProgram, stopOnSignals } from "./process/program.ts";

/** Makes the error of a migration that PostgreSQL rejects. Its transaction is rolled back. */
function migrationFailed(service: string, error: unknown): StartError {
  const message = `The migration of ${service} failed and has changed nothing: ${String(error)}`;
  return new StartError(message, { cause: error });
}

/** `npm run db:migrate`: migrates all databases. Ends with status 1 if a migration fails. */
await runProgram(async () => {
  const config = loadConfig(singleProcessDefaults);
  const needsNoEmbedded = requiredServices.every((name) => config.databaseUrls[name] !== undefined);
  const opening = needsNoEmbedded ? undefined : openDatabases(config, []);
  stopOnSignals(async () => (await opening)?.close(), interruptedStatus);
  const urls = (await opening)?.urls ?? config.databaseUrls;
  try {
    // A cluster may run without an optional service.
    for (const name of domainServices.filter((service) => urls[service] !== undefined)) {
      const sequelize = openSequelize(urls[name] ?? "", 1);
      try {
        const folder = new URL(`../services/${name}/migrations/`, import.meta.url);
        const applied = await migrate(sequelize, folder);
        process.stdout.write(
          `${name}: ${applied.length > 0 ? applied.join(", ") : "up to date"}\n`,
        );
      } catch (error) {
        const problem = databaseProblemOf(error, { service: name, url: urls[name] ?? "" });
        throw problem ?? migrationFailed(name, error);
      } finally {
        await sequelize.close();
      }
    }
  } finally {
    await (await opening)?.close();
  }
});
