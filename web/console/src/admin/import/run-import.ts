import { shop } from "../../api/shop.ts";
import {
  ImportMatchesDocument,
  ImportNewProductsDocument,
  ImportProductChangesDocument,
  ImportStocksDocument,
  type ImportMatchFragment,
  type ImportResultFragment,
} from "./import.graphql.ts";
import type { FileRow, RowValues } from "./columns.ts";
import { matchRows, type ReadRow, type RowTask } from "./match-rows.ts";

/** The shop looks up so many products in one request. */
const batchRows = 100;

/** So many rows are compared with their products before the import. */
const checkedRows = 1_000;

export interface ImportCounts {
  created: number;
  updated: number;
  unchanged: number;
}

/** A row that failed. */
export interface RowFault {
  line: number;
  reason: string;
}

/** What a batch of rows has done. */
export interface BatchOutcome extends ImportCounts {
  rows: number;
  faults: RowFault[];
}

/**
 * Imports rows in batches and yields the outcome of each. An import that was interrupted can begin
 * anew: rows that took effect equal their products and change nothing.
 */
export async function* importRows(
  rows: readonly ReadRow[],
  signal: AbortSignal,
): AsyncGenerator<BatchOutcome> {
  for (let start = 0; start < rows.length; start += batchRows) {
    signal.throwIfAborted();
    yield await importBatch(rows.slice(start, start + batchRows));
  }
}

/**
 * Returns the rows with the faults that only a comparison with the products shows, for example a new
 * product without a name. It compares the first rows that can have such a fault.
 */
export async function checkRows(rows: readonly FileRow[]): Promise<FileRow[]> {
  const doubtful = rows
    .filter((row) => "values" in row)
    .filter(({ values }) => values.id !== undefined || !isWhole(values))
    .slice(0, checkedRows);
  const faults = new Map<number, string>();
  for (let start = 0; start < doubtful.length; start += batchRows) {
    const batch = doubtful.slice(start, start + batchRows);
    for (const task of matchRows(batch, await matchesOf(batch))) {
      if (task.kind === "failed") faults.set(task.line, task.reason);
    }
  }
  return rows.map((row) => {
    const fault = faults.get(row.line);
    return fault === undefined ? row : { line: row.line, fault };
  });
}

/** Returns true for values that can be those of a new product. */
function isWhole({ name, price }: RowValues): boolean {
  return name !== undefined && price !== undefined;
}

async function importBatch(rows: readonly ReadRow[]): Promise<BatchOutcome> {
  const tasks = matchRows(rows, await matchesOf(rows));
  const faults = new Map<number, string>();
  for (const task of tasks) if (task.kind === "failed") faults.set(task.line, task.reason);
  const creations = tasks.filter((task) => task.kind === "create");
  const updates = tasks.filter((task) => task.kind === "update");
  const note = (some: readonly RowTask[], results: readonly ImportResultFragment[]) => {
    for (const { index, error } of results) {
      const line = some[index]?.line;
      if (error !== null && line !== undefined) faults.set(line, reasonOf(error));
    }
  };
  if (creations.length > 0) {
    const input = { products: creations.map((task) => task.input) };
    const { createProducts } = await shop.execute(ImportNewProductsDocument, { input });
    note(creations, createProducts.results);
  }
  const changed = updates.flatMap((task) =>
    task.changes ? [{ ...task, item: task.changes }] : [],
  );
  if (changed.length > 0) {
    const input = { products: changed.map(({ item }) => item) };
    const { updateProducts } = await shop.execute(ImportProductChangesDocument, { input });
    note(changed, updateProducts.results);
  }
  // A row whose update failed changes nothing.
  const counted = updates.flatMap((task) =>
    task.stock && !faults.has(task.line) ? [{ ...task, item: task.stock }] : [],
  );
  if (counted.length > 0) {
    const input = { changes: counted.map(({ item }) => item) };
    const { updateInventories } = await shop.execute(ImportStocksDocument, { input });
    note(counted, updateInventories.results);
  }
  const done = (some: readonly RowTask[]) => some.filter(({ line }) => !faults.has(line)).length;
  return {
    rows: rows.length,
    created: done(creations),
    updated: done(updates),
    unchanged: tasks.filter(({ kind }) => kind === "unchanged").length,
    faults: [...faults].map(([line, reason]) => ({ line, reason })),
  };
}

async function matchesOf(rows: readonly ReadRow[]): Promise<ImportMatchFragment[]> {
  const ids = rows.flatMap(({ values }) => values.id ?? []);
  const skus = rows.flatMap(({ values: { id, sku } }) => (id === undefined ? (sku ?? []) : []));
  const { nodes, productsBySku } = await shop.execute(ImportMatchesDocument, { ids, skus });
  // The id of an order or a user is not that of a product.
  const products = nodes.filter((node) => node !== null && "id" in node) as ImportMatchFragment[];
  return [...products, ...productsBySku.filter((product) => product !== null)];
}

function reasonOf({ message, fields }: NonNullable<ImportResultFragment["error"]>): string {
  const [field] = fields ?? [];
  return field === undefined ? message : `${field.field}: ${field.message}`;
}
