import { loadConfig, singleProcessDefaults } from "../config/config.ts";
import { BackupSchedule } from "./backups/backup-schedule.ts";
import { assertEmbedded } from "./backups/embedded-data.ts";
import { instrumentsOf } from "../core/metrics/instruments.ts";
import { releaseMemoryWhenIdle } from "./process/release-memory.ts";
import { closeWhenOpen, isStopping, runProgram, stopOnSignals } from "./process/program.ts";
import { commandOn } from "./node/command-on.ts";
import { openSingleProcess } from "./node/single-process.ts";
import { gatewayPort, welcome } from "./node/welcome.ts";

/** `npm start`: the whole shop in one process. */
await runProgram(async () => {
  const config = loadConfig(singleProcessDefaults);
  if (config.backups) assertEmbedded(config);
  const opening = openSingleProcess(config);
  const backups =
    config.backups &&
    new BackupSchedule({
      config: config.backups,
      dataDir: config.dataDir,
      async onFault(message) {
        (await opening).broker.getLogger("backup").error(message);
      },
    });
  stopOnSignals(async () => {
    await backups?.stop();
    await closeWhenOpen(opening, (shop) => shop.stop());
  });
  const { broker, start } = await opening;
  backups?.addMetrics(instrumentsOf(broker));
  if (isStopping()) return;
  await start();
  if (isStopping()) return;
  backups?.start();
  const hints = [
    "In another terminal:",
    `  ${commandOn(config.dataDir, "npm run demo")} fills it,`,
    `  ${commandOn(config.dataDir, "npm run repl")} opens a REPL.`,
    "Ctrl-C stops it.",
  ];
  process.stdout.write(welcome(config, gatewayPort(broker), hints));
  releaseMemoryWhenIdle();
});
