import { loadConfig, singleProcessDefaults } from "../config/config.ts";
import { restoreBackup } from "../embedded/backup/restore-backup.ts";
import { assertEmbedded, folderArgument } from "./backups/embedded-data.ts";
import { interruptible } from "./backups/interruptible-work.ts";
import { commandOn } from "./node/command-on.ts";
import { runProgram } from "./process/program.ts";

/** `npm run restore -- SOURCE`: restores a backup into an empty DATA_DIR. */
await runProgram(async () => {
  const source = folderArgument("restore", "SOURCE");
  const config = loadConfig(singleProcessDefaults);
  assertEmbedded(config);
  const { dataDir } = config;
  const { startedAt } = await interruptible((progress, signal) =>
    restoreBackup({ dataDir, source, progress, signal }),
  );
  process.stdout.write(
    `The backup of ${startedAt} is in ${dataDir}. ${commandOn(dataDir, "npm start")} opens the shop.\n`,
  );
});
