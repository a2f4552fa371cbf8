import { constants, createReadStream, openSync, statSync } from "node:fs";
import { Socket } from "node:net";
import { CsvError, parse } from "csv-parse/sync";
import { CommandError } from "../../core/command-error.ts";
import {
  columnOf,
  faultOfColumns,
  rowOfCells,
  rowOfJson,
  wholeNumber,
  type FileRow,
} from "./columns.ts";
import {
  CsvRecords,
  splitLines,
  maxLineCharacters,
  maxRecordCharacters,
  type CsvRecord,
  type FileLine,
  type RecordFault,
} from "./csv-records.ts";
import { readNow } from "../../core/text-file.ts";
import { fileError } from "./file-error.ts";
import type { FileFormat } from "./file-arguments.ts";

/** The rows of a file, and the share of it that is read. */
export interface RowReader {
  rows: AsyncIterable<FileRow>;
  share: () => number;
}

/** Reads the rows of a file in constant memory. Throws CommandError if it cannot be read at all. */
export function readRows(file: string, format: FileFormat): RowReader {
  const size = sizeOf(file);
  let bytesRead = 0;
  const texts = decoded(file, (bytes) => {
    bytesRead += bytes;
  });
  const lines = withoutBanner(file, splitLines(texts));
  return {
    rows: format === "csv" ? csvRows(file, lines) : jsonRows(lines),
    share: () => (size === 0 ? 1 : Math.min(1, bytesRead / size)),
  };
}

function sizeOf(file: string): number {
  try {
    const status = statSync(file);
    if (status.isDirectory()) throw new CommandError(`${file} is a folder.`);
    return status.size;
  } catch (error) {
    throw fileError(file, "read", error);
  }
}

/** Yields the text of a file without a byte order mark. Throws CommandError if it is not UTF-8. */
async function* decoded(file: string, onBytes: (bytes: number) => void): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (chunk?: Buffer) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw new CommandError(`${file} is not valid UTF-8: save it as UTF-8.`);
    }
  };
  try {
    const isPipe = statSync(file).isFIFO();
    for await (const chunk of isPipe ? readPipe(file) : readFile(file)) {
      onBytes(chunk.length);
      const text = decode(chunk);
      if (text !== "") yield text;
    }
  } catch (error) {
    throw fileError(file, "read", error);
  }
  yield decode();
}

const readFile = (file: string): AsyncIterable<Buffer> => createReadStream(file);

/**
 * Reads a named pipe. As a file, it would block a thread until a program writes, and the process could
 * not end before. Throws CommandError if no program has opened it.
 */
async function* readPipe(file: string): AsyncGenerator<Buffer> {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const pipe = new Socket({ fd, readable: true, writable: false });
  try {
    const start = Buffer.alloc(65_536);
    const length = readNow(fd, start);
    if (length === 0) {
      throw new CommandError(`${file} is a named pipe, and no program writes to it.`);
    }
    if (length !== undefined) yield start.subarray(0, length);
    yield* pipe as AsyncIterable<Buffer>;
  } finally {
    pipe.destroy();
  }
}

/** Throws CommandError if a file begins with what npm prints before the output of a script. */
async function* withoutBanner(
  file: string,
  lines: AsyncIterable<FileLine>,
): AsyncGenerator<FileLine> {
  let isStart = true;
  for await (const line of lines) {
    if (isStart && /^> \S+@\S+ export\b/.test(line.text)) {
      throw new CommandError(
        `${file} begins with the banner of npm: export with "npm run -s export > FILE", or remove the lines that begin with ">".`,
      );
    }
    if (line.text.trim() !== "") isStart = false;
    yield line;
  }
}

const tooLongFault = `The line has more than ${maxLineCharacters} characters.`;

const recordFaults: Record<RecordFault, string> = {
  openQuote: "The row is not valid CSV: a quote is not closed.",
  tooLong: `The row has more than ${maxRecordCharacters} characters, or a quote is not closed.`,
};

/** The records that one call of the parser takes. */
const recordsPerCall = 100;

async function* csvRows(file: string, lines: AsyncIterable<FileLine>): AsyncGenerator<FileRow> {
  const faults: FileRow[] = [];
  const records = new CsvRecords((line, fault) => {
    faults.push({ line, fault: recordFaults[fault] });
  });
  let columns: string[] | undefined;
  let waiting: CsvRecord[] = [];
  const take = () => {
    columns ??= columnsOf(file, waiting.shift());
    const rows = rowsOf(columns, waiting);
    waiting = [];
    return [...faults.splice(0), ...rows].sort((a, b) => a.line - b.line);
  };
  for await (const line of lines) {
    const isHead = columns === undefined && waiting.length === 0;
    if (line.isTooLong && isHead)
      throw new CommandError(`${file} has a wrong first line. ${tooLongFault}`);
    if (line.isTooLong) {
      faults.push({ line: line.line, fault: tooLongFault });
      records.lose();
    } else waiting.push(...records.push(line));
    if (waiting.length > recordsPerCall) yield* take();
  }
  waiting.push(...records.end());
  yield* take();
}

/** Lines that end with CR alone are one line of this reader. */
const loneCarriageReturn = /\r(?=[^\r\n])/;

/** Returns the names in the first record. Throws CommandError if they are no columns. */
function columnsOf(file: string, head: CsvRecord | undefined): string[] {
  if (head === undefined) {
    throw new CommandError(`${file} is empty. The first line of a CSV file names the columns.`);
  }
  const [names = []] = parsedRecords([head]) ?? [];
  if (names.some((name) => loneCarriageReturn.test(name))) {
    throw new CommandError(
      `${file} has lines that end with CR only. Save it with the line ends LF or CR LF.`,
    );
  }
  const columns = names.map(columnOf);
  const fault = faultOfColumns(columns);
  if (fault !== undefined) throw new CommandError(`${file} has a wrong first line. ${fault}`);
  return columns;
}

/** Converts records. If one of several is not valid, each is parsed by itself. */
function rowsOf(columns: readonly string[], records: readonly CsvRecord[]): FileRow[] {
  const parsed = parsedRecords(records);
  if (parsed === undefined) {
    if (records.length > 1) return records.flatMap((one) => rowsOf(columns, [one]));
    const [record = []] = records;
    const line = record[0]?.line ?? 0;
    return [{ line, fault: "The row is not valid CSV: a quote is inside a cell." }];
  }
  return records.map((record, index) => {
    const cells = parsed[index] ?? [];
    const line = record[0]?.line ?? 0;
    if (cells.length !== columns.length) {
      return { line, fault: `The row has ${cells.length} cells in place of ${columns.length}.` };
    }
    return rowOfCells(line, Object.fromEntries(columns.map((name, n) => [name, cells[n] ?? ""])));
  });
}

/** Returns the cells of records, or undefined if a record is not valid. */
function parsedRecords(records: readonly CsvRecord[]): string[][] | undefined {
  if (records.length === 0) return [];
  const text = records.map((record) => record.map((line) => line.text).join("\n")).join("\n");
  try {
    const rows = parse(text, { relax_column_count: true, record_delimiter: "\n" });
    return rows.length === records.length ? rows : undefined;
  } catch (error) {
    if (error instanceof CsvError) return undefined;
    throw error;
  }
}

async function* jsonRows(lines: AsyncIterable<FileLine>): AsyncGenerator<FileRow> {
  for await (const line of lines) {
    if (line.isTooLong) yield { line: line.line, fault: tooLongFault };
    else if (line.text.trim() !== "") yield parsedLine(line.line, line.text);
  }
}

function parsedLine(line: number, text: string): FileRow {
  try {
    let fraction: string | undefined;
    const json: unknown = JSON.parse(
      text,
      (name, value: unknown, context?: { source?: string }) => {
        // As a number, 1e-400 is 0, and 0.99999999999999999999 is 1.
        if (typeof value === "number" && !wholeNumber.test(context?.source ?? ""))
          fraction ??= name;
        return value;
      },
    );
    if (fraction !== undefined) {
      return {
        line,
        fault: `'${fraction}' must be a whole number, without fraction and exponent.`,
      };
    }
    const repeated = repeatedFieldOf(text);
    if (repeated === undefined) return rowOfJson(line, json);
    return { line, fault: `The field '${repeated}' is given twice.` };
  } catch {
    return { line, fault: "The line is not valid JSON." };
  }
}

/** A string with the colon behind it if it is a name, or a bracket. */
const tokens = /"(?:[^"\\]|\\.)*"\s*:?|[{}[\]]/g;

/**
 * Returns a field that valid JSON of an object gives twice; undefined if there is none. `JSON.parse`
 * uses the last value, which need not be the one that is meant.
 */
function repeatedFieldOf(json: string): string | undefined {
  const names = new Set<string>();
  let depth = 0;
  for (const [token] of json.matchAll(tokens)) {
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    else if (depth === 1 && token.endsWith(":")) {
      const name = JSON.parse(token.slice(0, -1)) as string;
      if (names.has(name)) return name;
      names.add(name);
    }
  }
  return undefined;
}
