import type { Product } from "../../services/products/products.contract.ts";

/** The columns of an exported file, in their order. */
export const exportColumns = [
  "id",
  "sku",
  "name",
  "description",
  "price",
  "stock",
  "version",
  "createdAt",
  "updatedAt",
] as const satisfies (keyof Product)[];

type Column = (typeof exportColumns)[number];

const numbers: ReadonlySet<string> = new Set(["price", "stock", "version"] satisfies Column[]);
/** The shop sets them. An import ignores them, so that it accepts an exported file. */
const ignored: ReadonlySet<string> = new Set(["createdAt", "updatedAt"] satisfies Column[]);
/** The columns by their names in lower case: people write SKU and Name. */
const known: ReadonlyMap<string, string> = new Map(
  exportColumns.map((name) => [name.toLowerCase(), name]),
);

/** The values of a row that are given. A value that is not given leaves the product as it is. */
export type RowValues = Partial<Omit<Product, "createdAt" | "updatedAt" | "sku">> & {
  sku?: string;
};

/** A row of an imported file: its values, or why it cannot be read. */
export type FileRow = { line: number } & ({ values: RowValues } | { fault: string });

/** A number with leading zeros is a code of another column, and no number of JSON or GraphQL. */
export const wholeNumber = /^(?:0|-?[1-9]\d{0,14})$/;

/** Returns the column that a text names, in upper or lower case. Returns any other text as it is. */
export function columnOf(text: string): string {
  const name = text.trim();
  return known.get(name.toLowerCase()) ?? name;
}

/** Returns why names cannot be the columns of a file; undefined if they can. */
export function faultOfColumns(names: readonly string[]): string | undefined {
  const isKnown = (name: string) => known.has(name.trim().toLowerCase());
  const unknown = names.find((name) => !isKnown(name));
  const columns = `The columns are ${exportColumns.join(", ")}.`;
  if (unknown?.split(/[;\t|]/).some(isKnown) === true) {
    return "The columns must be separated by commas, not by semicolons, tabs or other characters.";
  }
  if (unknown !== undefined) return `There is no column "${unknown}". ${columns}`;
  if (new Set(names).size < names.length) return "A column is named twice.";
  if (!names.includes("id") && !names.includes("sku")) {
    return "A column id or sku is required: rows are matched with products by one of them.";
  }
  return undefined;
}

/** Converts the cells of a CSV row. An empty cell is not given. */
export function rowOfCells(line: number, cells: Readonly<Record<string, string>>): FileRow {
  const values: Record<string, unknown> = {};
  for (const [name, cell] of Object.entries(cells)) {
    if (cell === "" || ignored.has(name)) continue;
    if (numbers.has(name) && !wholeNumber.test(cell)) {
      return {
        line,
        fault: `'${name}' must be a whole number, without separators and leading zeros.`,
      };
    }
    values[name] = numbers.has(name) ? Number(cell) : cell;
  }
  return { line, values };
}

/** Converts an object of a file with JSON lines. A missing field, or null, is not given. */
export function rowOfJson(line: number, json: unknown): FileRow {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return { line, fault: "The line must be a JSON object." };
  }
  const unknown = Object.keys(json).find((name) => known.get(name.toLowerCase()) !== name);
  if (unknown !== undefined) return { line, fault: `There is no field '${unknown}'.` };
  const given = Object.entries(json).filter(
    ([name, value]) => value !== null && !ignored.has(name),
  );
  return { line, values: Object.fromEntries(given) };
}
