import { stringify } from "csv-stringify/sync";
import type { Product } from "../../services/products/products.contract.ts";
import { exportColumns } from "./columns.ts";
import type { FileFormat } from "./file-arguments.ts";

/** The fields of a product in a file. */
export type ExportedProduct = Pick<Product, (typeof exportColumns)[number]>;

const csvOptions = {
  record_delimiter: "\r\n",
  // The package itself quotes cells with commas, quotes and whole record delimiters only.
  quoted_match: /[\r\n]|^\s|\s$/,
};

/** The line with the names of the columns; empty for JSON lines. */
export function headOf(format: FileFormat): string {
  return format === "csv" ? stringify([[...exportColumns]], csvOptions) : "";
}

/** Returns products as lines of a file that `npm run import` accepts. */
export function linesOf(format: FileFormat, products: readonly ExportedProduct[]): string {
  const rows = products.map((product) => exportColumns.map((column) => product[column]));
  if (format === "csv") {
    return stringify(rows, csvOptions);
  }
  return rows
    .map((row) => {
      const fields = exportColumns.map((column, index) => [column, row[index]]);
      return `${JSON.stringify(Object.fromEntries(fields))}\n`;
    })
    .join("");
}
