import { isId } from "../../api/is-id.ts";
import { maxInt } from "../../api/max-int.ts";
import { importTexts } from "../../texts/admin/import.ts";
import { formatNumber } from "../../ui/format.ts";
import { unprotected } from "../csv/write-csv.ts";

/** The columns that an import reads. Others of an export are set by the shop. */
const textColumns = ["id", "sku", "name", "description"] as const;
const numberColumns = ["price", "stock", "version"] as const;
/** The longest texts that the shop accepts. */
const maxCharacters = { id: 36, sku: 64, name: 200, description: 2_000 } as const;
/** No control characters except tab and line ends, and no halves of characters. */
const isStorable = /^(?:[\t\n\r]|[^\p{Cc}\p{Cs}])*$/u;
const ignoredColumns = ["createdAt", "updatedAt"] as const;
/** The names of the columns by their lower-case form: people write SKU and Name. */
const columns: ReadonlyMap<string, string> = new Map(
  [...textColumns, ...numberColumns, ...ignoredColumns].map((name) => [name.toLowerCase(), name]),
);

/** Returns the name of the column that is meant; a name that is none as it is. */
export function columnOf(text: string): string {
  const name = text.trim();
  return columns.get(name.toLowerCase()) ?? name;
}

/** The values of a row that are given. A value that is not given leaves the product as it is. */
export type RowValues = Partial<
  Record<(typeof textColumns)[number], string> & Record<(typeof numberColumns)[number], number>
>;

/** A row of a file: its values, or why it cannot be imported. */
export type FileRow = { line: number } & ({ values: RowValues } | { fault: string });

/** An unknown name is cut, because it can be any text. */
const shownCharacters = 60;

/** Returns why names cannot be the columns of a file; undefined if they can. */
export function faultOfColumns(names: readonly string[]): string | undefined {
  const isKnown = (name: string) => columns.has(name.trim().toLowerCase());
  const unknown = names.find((name) => !isKnown(name));
  const parts = unknown?.split(/[;\t|]/) ?? [];
  if (parts.some(isKnown) || (names.length === 1 && parts.length > 1)) return importTexts.separator;
  if (unknown !== undefined) return importTexts.unknownColumn(unknown.slice(0, shownCharacters));
  const repeated = names.find((name, index) => names.indexOf(name) < index);
  if (repeated !== undefined) return importTexts.twice(repeated);
  return names.includes("id") || names.includes("sku") ? undefined : importTexts.noKey;
}

/** Returns the text of a cell in the form in which the shop stores it: products are matched by it. */
function textOf(cell: string): string {
  return unprotected(cell)
    .replace(/^\uFEFF+/, "")
    .normalize("NFC");
}

/** Converts the cells of a row. An empty cell is not given. */
export function rowOfCells(
  line: number,
  names: readonly string[],
  cells: readonly string[],
): FileRow {
  if (cells.length !== names.length) {
    return { line, fault: importTexts.cells(cells.length, names.length) };
  }
  const values: RowValues = {};
  const cellOf = (name: string) => cells[names.indexOf(name)] ?? "";
  for (const name of textColumns) {
    const cell = cellOf(name);
    if (cell === "") continue;
    const max = maxCharacters[name];
    // Protected texts have at most two characters for one.
    const text = cell.length > 2 * max ? cell : textOf(cell);
    if (text.length > max) return { line, fault: importTexts.tooLong(name, formatNumber(max)) };
    if (!isStorable.test(text)) return { line, fault: importTexts.notStorable(name) };
    values[name] = text;
  }
  for (const name of numberColumns) {
    const cell = cellOf(name);
    if (cell === "") continue;
    // A number with leading zeros is a code of another column.
    if (!/^(?:0|[1-9]\d{0,9})$/.test(cell) || Number(cell) > maxInt) {
      const isPrice = name === "price";
      return { line, fault: isPrice ? importTexts.priceInvalid : importTexts.wholeNumber(name) };
    }
    values[name] = Number(cell);
  }
  if (values.id !== undefined) values.id = values.id.toLowerCase();
  if (values.id !== undefined && !isId(values.id)) return { line, fault: importTexts.notUuid };
  if (values.id === undefined && values.sku === undefined) {
    return { line, fault: importTexts.rowWithoutKey };
  }
  return { line, values };
}
