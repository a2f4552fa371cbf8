import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { ServiceBroker } from "moleculer";
import { Progress } from "../core/progress.ts";
import type { Product } from "../services/products/products.contract.ts";
import { fileArguments, type FileFormat } from "./catalogue-file/file-arguments.ts";
import { headOf, linesOf } from "./catalogue-file/write-rows.ts";
import { withShop } from "./operator-shop.ts";
import { runProgram } from "./program.ts";

const usage = "npm run export -- [FILE] [--format csv|jsonl]";
const pageRows = 500;

/**
 * `npm run export`: writes the catalogue of a running shop, or of the shop on DATA_DIR, to a file or
 * to standard output.
 */
await runProgram(async () => {
  const { file, format } = fileArguments(process.argv.slice(2), usage, false);
  const progress = new Progress();
  await withShop("export", progress, async ({ broker }) => {
    if (file === undefined) {
      await writeProducts(broker, format, process.stdout, progress);
      return;
    }
    // Renamed when it is complete: an interrupted export leaves the old file.
    const partial = `${file}.partial`;
    const stream = createWriteStream(partial);
    const rows = await writeProducts(broker, format, stream, progress);
    stream.end();
    await finished(stream);
    await rename(partial, file);
    progress.end();
    process.stdout.write(`${rows} products are in ${file}.\n`);
  });
});

/** Writes all products in pages, so that memory holds one page. Returns their number. */
async function writeProducts(
  broker: ServiceBroker,
  format: FileFormat,
  stream: Writable,
  progress: Progress,
): Promise<number> {
  await write(stream, headOf(format));
  let rows = 0;
  let after: string | undefined;
  for (;;) {
    const page = await broker.call<Product[], object>("products.list", {
      limit: pageRows,
      ...(after !== undefined && { after }),
    });
    await write(stream, linesOf(format, page));
    rows += page.length;
    progress.show({ name: "exporting products", detail: `${rows} rows` });
    if (page.length < pageRows) return rows;
    after = page.at(-1)?.id;
  }
}

/** Waits while the stream is full. Throws the error of the stream. */
async function write(stream: Writable, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, "drain");
}
