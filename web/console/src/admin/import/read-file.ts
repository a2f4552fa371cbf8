import { CsvError, parse } from "csv-parse/browser/esm/sync";
import { importTexts } from "../../texts/admin/import.ts";
import { columnOf, faultOfColumns, rowOfCells, type FileRow } from "./columns.ts";

/** A file that can be imported. */
export interface ProductFile {
  name: string;
  columns: string[];
  rows: FileRow[];
}

/** Browsers keep the whole file in memory. */
const maxBytes = 50_000_000;

/** Reads a file. Returns the sentence that says why it cannot be imported at all. */
export async function readFile(file: File): Promise<ProductFile | string> {
  if (file.size > maxBytes) return importTexts.tooLarge;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch (error) {
    if (error instanceof TypeError) return importTexts.notUtf8;
    throw error;
  }
  const parsed = parseCsv(text);
  return typeof parsed === "string" ? parsed : { name: file.name, ...parsed };
}

interface CsvRecord {
  record: string[];
  info: { lines: number };
}

/** Reads the text of a file. Rows that cannot be read have a fault and do not stop the others. */
export function parseCsv(text: string): Omit<ProductFile, "name"> | string {
  let records: CsvRecord[];
  try {
    const options = { info: true, bom: true, relax_column_count: true, skip_empty_lines: true };
    // With `info`, the package returns records of this form, which its types do not know.
    records = parse(text, options) as unknown as CsvRecord[];
  } catch (error) {
    if (error instanceof CsvError) return importTexts.notCsv(error.message);
    throw error;
  }
  const [head, ...body] = records;
  if (head === undefined) return importTexts.empty;
  const columns = head.record.map(columnOf);
  const fault = faultOfColumns(columns);
  if (fault !== undefined) return fault;
  if (body.length === 0) return importTexts.empty;
  return { columns, rows: withoutRepeats(rowsOf(columns, body)) };
}

function rowsOf(columns: readonly string[], records: readonly CsvRecord[]): FileRow[] {
  // `lines` counts the lines up to the end of the record, which may have several.
  return records.map(({ record, info }) => {
    const breaks = record.join("").split("\n").length - 1;
    return rowOfCells(info.lines - breaks, columns, record);
  });
}

/** Rows of the same product would change it back and forth with each import. */
function withoutRepeats(rows: readonly FileRow[]): FileRow[] {
  const lines = new Map<string, number>();
  return rows.map((row) => {
    if ("fault" in row) return row;
    const { id, sku } = row.values;
    const keys = [id, sku === undefined ? undefined : `sku ${sku}`].filter(
      (key) => key !== undefined,
    );
    const earlier = keys.map((key) => lines.get(key)).find((line) => line !== undefined);
    for (const key of keys) lines.set(key, row.line);
    if (earlier === undefined) return row;
    return { line: row.line, fault: importTexts.repeated(earlier) };
  });
}
