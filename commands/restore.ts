import { loadConfig, singleProcessDefaults } from "../config/config.ts";
import { Progress } from "../core/progress.ts";
import { restoreBackup } from "../embedded/backup/restore-backup.ts";
import { assertEmbedded, folderArgument } from "./backups/embedded-data.ts";
import { commandOn } from "./node/command-on.ts";
import { interruptedStatus, runProgram, stopOnSignals } from "./process/program.ts";

/** `npm run restore -- SOURCE`: restores a backup into an empty DATA_DIR. */
await runProgram(async () => {
  const source = folderArgument("restore", "SOURCE");
  const config = loadConfig(singleProcessDefaults);
  assertEmbedded(config);
  const progress = new Progress();
  const stopping = new AbortController();
  const work = restoreBackup({
    dataDir: config.dataDir,
    source,
    progress(name, share) {
      progress.show({ name, share });
    },
    signal: stopping.signal,
  }).finally(() => {
    progress.end();
  });
  stopOnSignals(async () => {
    stopping.abort();
    // `runProgram` reports an error.
    await work.catch(() => undefined);
  }, interruptedStatus);
  const { startedAt } = await work;
  process.stdout.write(
    `The backup of ${startedAt} is in ${config.dataDir}. ${commandOn(config.dataDir, "npm start")} opens the shop.\n`,
  );
});
