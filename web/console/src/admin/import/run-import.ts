import type { MutationSender } from "../../api/mutation-sender.ts";
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
import { matchRows, type ProductLines, type ReadRow, type RowTask } from "./match-rows.ts";
import { batchesOf, sendValid } from "./send-rows.ts";

/** The number of rows that are compared with their products before the import. */
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
 * Imports rows in batches and yields the outcome of each. An import that was interrupted can be
 * repeated: rows that took effect equal their products and change nothing.
 *
 * @param lines those of the rows of the file that were imported before; they are noted in it
 */
export async function* importRows(
  rows: readonly ReadRow[],
  lines: ProductLines,
  sender: MutationSender,
  signal: AbortSignal,
): AsyncGenerator<BatchOutcome> {
  for (const batch of batchesOf(rows)) {
    signal.throwIfAborted();
    yield await importBatch(batch, lines, sender);
  }
}

/**
 * Returns the rows with the faults that only a comparison with the products shows, for example a new
 * product without a name. It compares the first rows that can have such a fault.
 */
export async function checkRows(rows: readonly FileRow[], signal: AbortSignal): Promise<FileRow[]> {
  const doubtful = rows
    .filter((row) => "values" in row)
    .filter(({ values }) => values.id !== undefined || !isWhole(values))
    .slice(0, checkedRows);
  const faults = new Map<number, string>();
  const lines: ProductLines = new Map();
  for (const batch of batchesOf(doubtful)) {
    signal.throwIfAborted();
    for (const task of await tasksOf(batch, lines)) {
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

async function importBatch(
  rows: readonly ReadRow[],
  lines: ProductLines,
  sender: MutationSender,
): Promise<BatchOutcome> {
  const tasks = await tasksOf(rows, lines);
  const faults = new Map<number, string>();
  for (const task of tasks) if (task.kind === "failed") faults.set(task.line, task.reason);
  const creations = tasks.filter((task) => task.kind === "create");
  const updates = tasks.filter((task) => task.kind === "update");
  /** Sends the tasks of one kind. A request returns the results of its tasks. */
  const send = async <Task extends RowTask>(
    some: readonly Task[],
    request: (part: readonly Task[]) => Promise<readonly ImportResultFragment[]>,
  ) => {
    const note = async (part: readonly Task[]) => {
      for (const { index, error } of await request(part)) {
        const line = part[index]?.line;
        if (error !== null && line !== undefined) faults.set(line, reasonOf(error));
      }
    };
    await sendValid(some, note, ({ line }, reason) => faults.set(line, reason));
  };
  await send(creations, async (part) => {
    const input = { products: part.map((task) => task.input) };
    const { createProducts } = await sender.send(ImportNewProductsDocument, { input });
    return createProducts.results;
  });
  const changed = updates.filter((task) => task.changes !== undefined);
  await send(changed, async (part) => {
    const input = { products: part.flatMap(({ changes }) => changes ?? []) };
    const { updateProducts } = await sender.send(ImportProductChangesDocument, { input });
    return updateProducts.results;
  });
  // A row whose update failed changes nothing.
  const counted = updates.filter((task) => task.stock !== undefined && !faults.has(task.line));
  await send(counted, async (part) => {
    const input = { changes: part.flatMap(({ stock }) => stock ?? []) };
    const { updateInventories } = await sender.send(ImportStocksDocument, { input });
    return updateInventories.results;
  });
  const done = (some: readonly RowTask[]) => some.filter(({ line }) => !faults.has(line)).length;
  return {
    rows: rows.length,
    created: done(creations),
    updated: done(updates),
    unchanged: tasks.filter(({ kind }) => kind === "unchanged").length,
    faults: [...faults].map(([line, reason]) => ({ line, reason })),
  };
}

/** Compares rows with their products. A row that the shop cannot look up fails. */
async function tasksOf(rows: readonly ReadRow[], lines: ProductLines): Promise<RowTask[]> {
  const tasks: RowTask[] = [];
  await sendValid(
    rows,
    async (part) => tasks.push(...matchRows(part, await matchesOf(part), lines)),
    ({ line }, reason) => tasks.push({ line, kind: "failed", reason }),
  );
  return tasks;
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
