import { stringify } from "csv-stringify/browser/esm/sync";

/** A value of a cell. Null is an empty cell. */
export type Cell = string | number | null;

/**
 * Where a spreadsheet program can begin a cell: at the start of a text and after each character that
 * one of them takes for a separator. Excel with a German or French locale splits a CSV file at
 * semicolons, also inside the quotes of a cell that begins after a comma.
 */
const cellStart = String.raw`(?<=^|[,;\t|\r\n])`;
/** What a spreadsheet program executes as a formula, also with full-width signs. */
const formula = String.raw`(?=["'\s]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])`;
// Apostrophes belong to the formula, so that each protected text has one original.
const unprotectedStart = new RegExp(cellStart + formula, "g");
const protectedStart = new RegExp(`${cellStart}'${formula}`, "g");

/**
 * Returns a text that spreadsheet programs show as it is: each part that they could execute as a
 * formula gets an apostrophe before it. `unprotected` takes the apostrophes away again.
 */
export function protectedText(text: string): string {
  return text.replace(unprotectedStart, "'");
}

/** Undoes `protectedText`. */
export function unprotected(text: string): string {
  return text.replace(protectedStart, "");
}

/** Returns rows as lines of a CSV file (RFC 4180) without formulas. */
export function csvOf(rows: readonly (readonly Cell[])[]): string {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === "string" ? protectedText(cell) : cell)),
  );
  return stringify(cells, {
    record_delimiter: "\r\n",
    // The package itself quotes cells with commas, quotes and whole record delimiters only. Some
    // spreadsheet programs also split cells without quotes at the other separators.
    quoted_match: /[\r\n;\t|]|^\s|\s$/,
  });
}
