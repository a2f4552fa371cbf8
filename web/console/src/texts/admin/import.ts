import { titles } from "../titles.ts";
import { counted } from "../counted.ts";

/** The texts of the import of products. */
export const importTexts = {
  title: titles.importProducts,
  intro:
    "Choose a CSV file with one row per product. The first line names the columns. A row changes the product with its id or SKU, or creates a product.",
  columnsAre: "Columns",
  columnsText:
    "id, sku, name, description, price (in cents), stock (the number of pieces), version. Separate cells by commas. An empty cell leaves the value as it is. An export is a valid file.",
  choose: "Choose a file",
  drop: "or drop it here",
  otherFile: "Choose another file",
  preview: "Preview",
  previewOf: (shown: number, ready: number) =>
    shown === ready
      ? `The ${counted(ready, "row", "rows")} without errors`
      : `The first ${shown} of ${counted(ready, "row", "rows")} without errors`,
  line: "Line",
  checking: "Reading the file and comparing its rows with the products…",
  ready: (rows: number) => `${counted(rows, "row is", "rows are")} ready for the import.`,
  noneReady: "No row can be imported.",
  faults: (rows: number) =>
    counted(
      rows,
      "row has an error. The import skips it.",
      "rows have errors. The import skips them.",
    ),
  stockWarning:
    "The file has the column stock: the import sets the stock to its numbers, also if orders have taken pieces since the file was written.",
  start: (rows: number) => `Import ${counted(rows, "row", "rows")}`,
  progress: "Progress of the import",
  running: (done: string, rows: number) => `${done} of ${counted(rows, "row", "rows")}`,
  pause: "Stop",
  resume: "Continue",
  stopped: "The import has stopped. Rows that took effect are not imported twice.",
  done: "The import is complete.",
  created: "Created",
  updated: "Changed",
  unchanged: "Unchanged",
  failed: "Failed",
  skipped: "Skipped",
  errors: "Rows with errors",
  error: "Error",
  errorsShown: (shown: string, all: string) => `The first ${shown} of ${all} errors are shown.`,
  saveErrors: "Save errors as CSV",
  notUtf8: "The file is not valid UTF-8. Save it as UTF-8.",
  /** Why a row is not valid CSV. */
  notCsv: {
    tooLong: "The row is too long.",
    openQuote: "The row is not valid CSV: a quote is not closed.",
    strayQuote: "The row is not valid CSV: a quote is inside a cell.",
  },
  empty: "The file has no rows.",
  tooLarge: "The file is larger than 50 MB. Split it, or use npm run import.",
  tooManyRows: "The file has more than 500,000 rows. Split it, or use npm run import.",
  separator:
    "The columns must be separated by commas, not by semicolons, tabs or other characters.",
  unknownColumn: (name: string) => `There is no column “${name}”.`,
  twice: (name: string) => `The column ${name} is named twice.`,
  noKey: "A column id or sku is required: rows are matched with products by one of them.",
  cells: (cells: number, columns: number) =>
    `The row has ${counted(cells, "cell", "cells")} in place of ${columns}.`,
  tooLong: (column: string, max: string) => `${column} must have at most ${max} characters.`,
  notStorable: (column: string) => `${column} contains characters that cannot be stored.`,
  wholeNumber: (column: string) =>
    `${column} must be a whole number from 0 to 2147483647, without separators for thousands.`,
  priceInvalid:
    "price must be a whole number of cents from 0 to 2147483647: 1250 stands for 12.50.",
  rowWithoutKey: "The row has neither an id nor an SKU, so it could not be matched again.",
  repeated: (line: number) => `Line ${line} is a row of the same product.`,
  unknownId: "There is no product with this id.",
  notUuid: "The id is not a UUID.",
  nameMissing: "A new product needs a name.",
  priceMissing: "A new product needs a price.",
  versionConflict: (version: number) =>
    `The row is based on another version: the product now has version ${version}.`,
};
