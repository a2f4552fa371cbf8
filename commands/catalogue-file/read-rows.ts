import { createReadStream, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { StartError } from "../../embedded/data-dir.ts";
import { faultOfColumns, rowOfCells, rowOfJson, type FileRow } from "./columns.ts";
import type { FileFormat } from "./file-arguments.ts";

/** Far above a row with the longest texts. A quote that is not closed would read the whole file. */
const maxRowCharacters = 100_000;

/** The rows of a file, and the share of it that is read. */
export interface RowReader {
  rows: AsyncIterable<FileRow>;
  share: () => number;
}

/** Reads the rows of a file in constant memory. Throws StartError if it cannot be read at all. */
export function readRows(file: string, format: FileFormat): RowReader {
  const size = sizeOf(file);
  let bytesRead = 0;
  const texts = Readable.from(
    decoded(file, (bytes) => {
      bytesRead += bytes;
    }),
  );
  return {
    rows: format === "csv" ? csvRows(file, texts) : jsonRows(texts),
    share: () => (size === 0 ? 1 : Math.min(1, bytesRead / size)),
  };
}

function sizeOf(file: string): number {
  try {
    const status = statSync(file);
    if (status.isDirectory()) throw new StartError(`${file} is a folder.`);
    return status.size;
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`${file} cannot be read: ${(error as Error).message}.`);
  }
}

/** Yields the text of a file without a byte order mark. Throws StartError if it is not UTF-8. */
async function* decoded(file: string, onBytes: (bytes: number) => void): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (chunk?: Buffer) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw new StartError(`${file} is not valid UTF-8: save it as UTF-8.`);
    }
  };
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    onBytes(chunk.length);
    const text = decode(chunk);
    if (text !== "") yield text;
  }
  yield decode();
}

/** A record of csv-parse with its option `info`. */
interface CsvRecord {
  record: Record<string, string>;
  info: { lines: number };
}

async function* csvRows(file: string, texts: Readable): AsyncGenerator<FileRow> {
  const faults: FileRow[] = [];
  /** The last line of the previous record: a record with line ends has several. */
  let lastLine = 1;
  const parser = parse({
    columns: (names: string[]) => {
      const fault = faultOfColumns(names.map((name) => name.trim()));
      if (fault !== undefined) throw new StartError(`${file} has a wrong first line. ${fault}`);
      return names.map((name) => name.trim());
    },
    info: true,
    max_record_size: maxRowCharacters,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: (error?: CsvError) => {
      const line = typeof error?.lines === "number" ? error.lines : lastLine + 1;
      faults.push({ line, fault: `The row is no valid CSV: ${error?.message ?? "unknown"}.` });
      return undefined;
    },
  });
  texts.on("error", (error) => parser.destroy(error));
  for await (const { record, info } of texts.pipe(parser) as AsyncIterable<CsvRecord>) {
    yield* faults.splice(0);
    yield rowOfCells(lastLine + 1, record);
    lastLine = info.lines;
  }
  yield* faults;
}

async function* jsonRows(texts: Readable): AsyncGenerator<FileRow> {
  let line = 0;
  for await (const text of createInterface({ input: texts, crlfDelay: Infinity })) {
    line += 1;
    if (text.trim() !== "") yield parsedLine(line, text);
  }
}

function parsedLine(line: number, text: string): FileRow {
  try {
    return rowOfJson(line, JSON.parse(text));
  } catch {
    return { line, fault: "The line is no valid JSON." };
  }
}
