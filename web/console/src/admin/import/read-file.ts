import { importTexts } from "../../texts/admin/import.ts";
import { csvRecords, type CsvRecord } from "../csv/read-csv.ts";
import { columnOf, faultOfColumns, rowOfCells, type FileRow } from "./columns.ts";

/** A file that can be imported. */
export interface ProductFile {
  name: string;
  columns: string[];
  rows: FileRow[];
}

/** Browsers keep the whole file and its rows in memory. */
const maxBytes = 50_000_000;
const maxRows = 500_000;

/**
 * Reads a file. Returns the sentence that says why it cannot be imported at all. Throws the reason of the
 * signal.
 */
export async function readFile(file: File, signal: AbortSignal): Promise<ProductFile | string> {
  if (file.size > maxBytes) return importTexts.tooLarge;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch (error) {
    if (error instanceof TypeError) return importTexts.notUtf8;
    throw error;
  }
  const parsed = await parseCsv(text, signal);
  return typeof parsed === "string" ? parsed : { name: file.name, ...parsed };
}

/** Reads the text of a file. Rows that cannot be read have a fault and do not stop the others. */
export async function parseCsv(
  text: string,
  signal: AbortSignal,
): Promise<Omit<ProductFile, "name"> | string> {
  const records = csvRecords(text);
  const { value: head } = records.next();
  if (head === undefined) return importTexts.empty;
  if ("fault" in head) return importTexts.notCsv[head.fault];
  const columns = head.cells.map(columnOf);
  const fault = faultOfColumns(columns);
  if (fault !== undefined) return fault;
  const rows: FileRow[] = [];
  const repeats = new RepeatedRows();
  const pauses = new Pauses(signal);
  for (const record of records) {
    if (rows.length === maxRows) return importTexts.tooManyRows;
    rows.push(repeats.checked(rowOf(columns, record)));
    if (pauses.isDue) await pauses.take();
  }
  return rows.length === 0 ? importTexts.empty : { columns, rows };
}

function rowOf(columns: readonly string[], record: CsvRecord): FileRow {
  const { line } = record;
  if ("fault" in record) return { line, fault: importTexts.notCsv[record.fault] };
  return rowOfCells(line, columns, record.cells);
}

/** The longest time without a reaction to the user. */
const maxBusyMs = 40;

/** Lets the browser draw and react to a press during long work. */
class Pauses {
  readonly #signal: AbortSignal;
  #since = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  get isDue(): boolean {
    return performance.now() - this.#since > maxBusyMs;
  }

  /** Throws the reason of the signal. */
  async take(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
    this.#signal.throwIfAborted();
    this.#since = performance.now();
  }
}

/** Rows of the same product would change it back and forth with each import. */
class RepeatedRows {
  readonly #lines = new Map<string, number>();

  /** Returns the row, or a fault if an earlier one has its id or its SKU. */
  checked(row: FileRow): FileRow {
    if ("fault" in row) return row;
    const { id, sku } = row.values;
    const keys = [id, sku === undefined ? undefined : `sku ${sku}`].filter(
      (key) => key !== undefined,
    );
    const earlier = keys.map((key) => this.#lines.get(key)).find((line) => line !== undefined);
    for (const key of keys) this.#lines.set(key, row.line);
    if (earlier === undefined) return row;
    return { line: row.line, fault: importTexts.repeated(earlier) };
  }
}
