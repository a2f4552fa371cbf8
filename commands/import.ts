import { Progress } from "../core/progress.ts";
import { CommandError } from "../core/command-error.ts";
import { fileArguments } from "./catalogue-file/file-arguments.ts";
import { RowImport, type ImportCounts } from "./catalogue-file/import-rows.ts";
import { readRows } from "./catalogue-file/read-rows.ts";
import { withShop } from "./node/operator-shop.ts";
import { runProgram } from "./process/program.ts";

const usage = "npm run import -- FILE [--format csv|jsonl] [--dry-run]";
/** Each batch is some short transactions, so that orders of its products wait only briefly. */
const batchRows = 250;
/** The exit status if rows failed and all others are imported. */
const failedRowsStatus = 2;

/**
 * `npm run import`: creates and updates products of a running shop, or of the shop on DATA_DIR, from
 * a file. Rows that fail are listed, and do not stop the others.
 */
await runProgram(async () => {
  const { file, format, isDryRun } = fileArguments(process.argv.slice(2), {
    usage,
    hasDryRun: true,
  });
  if (file === undefined) throw new CommandError(`Name a file. Usage: ${usage}`);
  const { rows, share } = readRows(file, format);
  const progress = new Progress();
  const name = isDryRun ? "checking rows" : "importing rows";
  await withShop({ role: "import", progress, isReadOnly: isDryRun }, async (shop) => {
    const rowImport = new RowImport(shop.broker, {
      isDryRun,
      onFault(line, reason, code) {
        progress.print(`line ${line}: ${reason} (${code})`, process.stderr);
      },
      onWait() {
        progress.show({ name: "waiting for the shop" });
      },
    });
    let batch = [];
    for await (const row of rows) {
      batch.push(row);
      if (batch.length < batchRows) continue;
      await rowImport.import(batch);
      batch = [];
      progress.show({ name, detail: summaryOf(rowImport.counts), share: share() });
    }
    await rowImport.import(batch);
    progress.end();
    const summary = summaryOf(rowImport.counts);
    const isOpened = !shop.isJoined && shop.config.databaseUrls.products === undefined;
    const place = isOpened ? ` The shop is in ${shop.config.dataDir}.` : "";
    const start = isDryRun ? "Dry run, nothing is changed: " : "";
    process.stdout.write(`${start}${summary}.${place}\n`);
    if (rowImport.counts.failed > 0) process.exitCode = failedRowsStatus;
  });
});

function summaryOf({ created, updated, unchanged, failed }: ImportCounts): string {
  return `${created} created, ${updated} updated, ${unchanged} unchanged, ${failed} failed`;
}
