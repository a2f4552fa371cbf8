import { stringify } from "csv-stringify/browser/esm/sync";

/** A value of a cell. Null is an empty cell. */
export type Cell = string | number | null;

/**
 * Spreadsheet programs execute a text that begins so as a formula. Apostrophes before it belong to the
 * pattern, so that each protected text has one original.
 */
const isProtected = /^'*\s*[=+\-@\t\r]/;

/**
 * Returns a text that spreadsheet programs show as it is: one that begins like a formula gets an
 * apostrophe before it. `unprotected` takes it away again.
 */
export function protectedText(text: string): string {
  return isProtected.test(text) ? `'${text}` : text;
}

/** Undoes `protectedText`. */
export function unprotected(text: string): string {
  return text.startsWith("'") && isProtected.test(text.slice(1)) ? text.slice(1) : text;
}

/** Returns rows as lines of a CSV file (RFC 4180) without formulas. */
export function csvOf(rows: readonly (readonly Cell[])[]): string {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === "string" ? protectedText(cell) : cell)),
  );
  return stringify(cells, {
    record_delimiter: "\r\n",
    // The package itself quotes cells with commas, quotes and whole record delimiters only.
    quoted_match: /[\r\n]|^\s|\s$/,
  });
}
