import { loadConfig, singleProcessDefaults } from "../config/config.ts";
import { Progress } from "../core/progress.ts";
import { takeBackup } from "../embedded/backup/take-backup.ts";
import { folderArgument, openEmbedded } from "./backups/embedded-data.ts";
import { interruptedStatus, runProgram, stopOnSignals } from "./process/program.ts";

/**
 * `npm run backup -- TARGET`: takes a backup of the embedded PostgreSQL in DATA_DIR, while the shop
 * runs or not.
 */
await runProgram(async () => {
  const target = folderArgument("backup", "TARGET");
  const config = loadConfig(singleProcessDefaults);
  const progress = new Progress();
  const stopping = new AbortController();
  const work = (async () => {
    const { url, close } = await openEmbedded(config);
    try {
      return await takeBackup({
        dataDir: config.dataDir,
        url,
        target,
        progress(name, share) {
          progress.show({ name, share });
        },
        signal: stopping.signal,
      });
    } finally {
      progress.end();
      await close();
    }
  })();
  stopOnSignals(async () => {
    stopping.abort();
    // `runProgram` reports an error.
    await work.catch(() => undefined);
  }, interruptedStatus);
  const { files } = await work;
  const megabytes = Math.ceil(files["base.tar"].bytes / 1e6);
  process.stdout.write(`The backup is in ${target} (${megabytes} MB).\n`);
});
