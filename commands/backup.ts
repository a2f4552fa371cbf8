import { loadConfig, singleProcessDefaults } from "../config/config.ts";
import { takeBackup } from "../embedded/backup/take-backup.ts";
import { folderArgument, openEmbedded } from "./backups/embedded-data.ts";
import { interruptible } from "./backups/interruptible-work.ts";
import { runProgram } from "./process/program.ts";

/**
 * `npm run backup -- TARGET`: takes a backup of the embedded PostgreSQL in DATA_DIR, while the shop
 * runs or not.
 */
await runProgram(async () => {
  const target = folderArgument("backup", "TARGET");
  const config = loadConfig(singleProcessDefaults);
  const { dataDir } = config;
  const { files } = await interruptible(async (progress, signal) => {
    const { url, close } = await openEmbedded(config);
    try {
      return await takeBackup({ dataDir, url, target, progress, signal });
    } finally {
      await close();
    }
  });
  const megabytes = Math.ceil(files["base.tar"].bytes / 1e6);
  process.stdout.write(`The backup is in ${target} (${megabytes} MB).\n`);
});
