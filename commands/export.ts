import type { ServiceBroker } from "moleculer";
import { scriptWithBanner } from "../config/npm.ts";
import { Progress } from "../core/progress.ts";
import type { Product } from "../services/products/products.contract.ts";
import { CommandError } from "../core/command-error.ts";
import { exportFile, standardOutput, type ExportTarget } from "./catalogue-file/export-target.ts";
import { fileArguments, type FileFormat } from "./catalogue-file/file-arguments.ts";
import { headOf, linesOf } from "./catalogue-file/write-rows.ts";
import { withShop } from "./node/operator-shop.ts";
import { runProgram } from "./process/program.ts";

const usage =
  "npm run export -- FILE [--format csv|jsonl], or npm run -s export -- [--format csv|jsonl] > FILE";
const pageRows = 500;

/**
 * `npm run export`: writes the catalogue of a running shop, or of the shop on DATA_DIR, to a file or
 * to standard output.
 */
await runProgram(async () => {
  const { file, format } = fileArguments(process.argv.slice(2), { usage, hasDryRun: false });
  if (file === undefined && scriptWithBanner === "export" && !process.stdout.isTTY) {
    throw new CommandError(`npm prints a banner before the catalogue; use -s. Usage: ${usage}`);
  }
  const progress = new Progress();
  const target = file === undefined ? standardOutput : await exportFile(file);
  process.once("exit", () => {
    target.discard();
  });
  await withShop({ role: "export", progress, isReadOnly: true }, async ({ broker }) => {
    const rows = await writeProducts(broker, format, target, progress);
    await target.complete();
    progress.end();
    if (file === undefined) return;
    process.stdout.write(`${rows === 1 ? "1 product is" : `${rows} products are`} in ${file}.\n`);
  });
});

/** Writes all products in pages, so that memory holds one page. Returns their number. */
async function writeProducts(
  broker: ServiceBroker,
  format: FileFormat,
  target: ExportTarget,
  progress: Progress,
): Promise<number> {
  await target.write(headOf(format));
  let rows = 0;
  let after: string | undefined;
  for (;;) {
    const page = await broker.call<Product[], object>("products.list", {
      limit: pageRows,
      ...(after !== undefined && { after }),
    });
    await target.write(linesOf(format, page));
    rows += page.length;
    progress.show({ name: "exporting products", detail: `${rows} rows` });
    if (page.length < pageRows) return rows;
    after = page.at(-1)?.id;
  }
}
