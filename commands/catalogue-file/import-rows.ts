import type { ServiceBroker } from "moleculer";
import { ClientError, commonErrors } from "../../core/errors.ts";
import { itemCheck } from "../../core/item-check.ts";
import { id, int, newIdRule, optional, text } from "../../core/validation.ts";
import type { BulkAnswer, BulkError } from "../../services/products/bulk/bulk.contract.ts";
import {
  newProductRules,
  productErrors,
  skuRule,
  updateProductRules,
  type Product,
} from "../../services/products/products.contract.ts";
import { skuTaken, versionConflict } from "../../services/products/products.errors.ts";
import { callProducts } from "./call-products.ts";
import type { FileRow, RowValues } from "./columns.ts";
import { matchRows, type ReadRow, type RowTask, type UpdateTask } from "./match-rows.ts";
import { RepeatedRows } from "./repeated-rows.ts";

/** What an import has done, in rows. */
export interface ImportCounts {
  created: number;
  updated: number;
  unchanged: number;
  failed: number;
}

export interface ImportOptions {
  isDryRun: boolean;
  /** Called for each row that fails, in the order of the file, with an error code of the shop. */
  onFault: (line: number, reason: string, code: string) => void;
  /** Called while the import waits for an unavailable shop. */
  onWait: () => void;
}

/** A row may repeat stored values that the rules of new values reject by now. */
const rowRules = {
  ...updateProductRules,
  name: optional(text(1, 200)),
  sku: optional({ ...skuRule, empty: true }),
  id: optional(id()),
  version: optional(int(1)),
  stock: optional(int(0)),
};
/** An SKU cannot be empty here: rows of new products have no SKU to remove. */
const createRules = { ...newProductRules, id: optional(newIdRule()) };

/** Imports batches of rows through the actions of `products`, as an operator. */
export class RowImport {
  readonly counts: ImportCounts = { created: 0, updated: 0, unchanged: 0, failed: 0 };
  readonly #broker: ServiceBroker;
  readonly #options: ImportOptions;
  /**
   * Lines that failed as outdated once: another caller, or this import before a lost answer, has
   * changed their products.
   */
  readonly #retriedLines = new Set<number>();
  readonly #repeatedRows = new RepeatedRows();
  /** The faults of the present batch: [line, reason, code]. */
  readonly #faults: Parameters<ImportOptions["onFault"]>[] = [];
  readonly #checkRow: ReturnType<typeof itemCheck<RowValues>>;
  readonly #checkNew: ReturnType<typeof itemCheck<RowValues>>;
  readonly #checkUpdate: ReturnType<typeof itemCheck<RowValues>>;

  constructor(broker: ServiceBroker, options: ImportOptions) {
    this.#broker = broker;
    this.#options = options;
    this.#checkRow = itemCheck<RowValues>(broker, rowRules);
    this.#checkNew = itemCheck<RowValues>(broker, createRules);
    this.#checkUpdate = itemCheck<RowValues>(broker, updateProductRules);
  }

  /**
   * Imports a batch. An interrupted batch can be imported again: rows that took effect match their
   * products, and change nothing.
   */
  async import(rows: readonly FileRow[]): Promise<void> {
    try {
      let remaining = rows.flatMap((row) => this.#readable(row));
      while (remaining.length > 0) remaining = await this.#importRound(remaining);
    } finally {
      const faults = this.#faults.splice(0).sort(([a], [b]) => a - b);
      for (const fault of faults) this.#options.onFault(...fault);
    }
  }

  #fail(line: number, reason: string, code = commonErrors.BAD_USER_INPUT.code): void {
    this.counts.failed += 1;
    this.#faults.push([line, reason, code]);
  }

  /** Returns the row with its checked values. Fails an invalid row, and returns nothing for it. */
  #readable(row: FileRow): ReadRow[] {
    if ("fault" in row) {
      this.#fail(row.line, row.fault);
      return [];
    }
    const values = this.#checkRow(row.values);
    if (values instanceof ClientError) {
      this.#fail(row.line, values.message);
      return [];
    }
    if (values.id === undefined && (values.sku ?? "") === "") {
      this.#fail(row.line, "The row has neither an id nor an SKU: it could not be matched again.");
      return [];
    }
    const readRow = { line: row.line, values };
    const repeat = this.#repeatedRows.faultOf(readRow);
    if (repeat === undefined) return [readRow];
    this.#fail(row.line, repeat);
    return [];
  }

  /**
   * Imports the first row of each product. Fails rows whose products an earlier round had. Returns the
   * rows for the next round.
   */
  async #importRound(rows: readonly ReadRow[]): Promise<ReadRow[]> {
    const ids = rows.flatMap(({ values }) => values.id ?? []);
    const skus = rows.flatMap(({ values: { sku = "" } }) => (sku === "" ? [] : [sku]));
    const products = await this.#call<Product[]>("products.lookUp", { ids, skus });
    const matches = matchRows(rows, products);
    const tasks = matches.tasks.filter((task) => {
      if (task.kind === "create") return true;
      const repeat = this.#repeatedRows.faultOfMatch(task, task.product.id);
      if (repeat !== undefined) this.#fail(task.line, repeat);
      return repeat === undefined;
    });
    if (!this.#options.isDryRun) return [...(await this.#run(tasks)), ...matches.later];
    this.#dryRun(tasks, products);
    return matches.later;
  }

  /** Checks tasks against the products as they are, by the rules of the actions that `#run` calls. */
  #dryRun(tasks: readonly RowTask[], products: readonly Product[]): void {
    const owners = new Map(products.map(({ id: owner, sku }) => [sku, owner]));
    const fail = (line: number, { message, type }: ClientError) => {
      this.#fail(line, message, type);
    };
    for (const task of tasks) {
      const { line, values } = task;
      const owner = owners.get(values.sku ?? null);
      const isTaken = values.sku !== undefined && owner !== undefined && owner !== values.id;
      if (task.kind === "create") {
        const checked = this.#checkNew(newProductOf(task));
        if (checked instanceof ClientError) fail(line, checked);
        else if (isTaken) fail(line, skuTaken());
        else this.counts.created += 1;
      } else {
        const hasChanges = Object.keys(task.changes).length > 0;
        const { id: productId, version } = task.product;
        const isConflict = (values.version ?? version) !== version;
        const checked = this.#checkUpdate({ id: productId, version, ...task.changes });
        if (checked instanceof ClientError) fail(line, checked);
        else if (hasChanges && isConflict) fail(line, versionConflict(productId, version));
        else if (values.id !== undefined && isTaken) fail(line, skuTaken());
        else if (hasChanges || task.stock !== undefined) this.counts.updated += 1;
        else this.counts.unchanged += 1;
      }
    }
  }

  /** Runs tasks. Returns the rows whose products were changed by others meanwhile. */
  async #run(tasks: readonly RowTask[]): Promise<ReadRow[]> {
    const retried: ReadRow[] = [];
    const failedLines = new Set<number>();
    const collect = (task: RowTask, error: BulkError) => {
      failedLines.add(task.line);
      if (isOutdated(task, error) && !this.#retriedLines.has(task.line)) {
        this.#retriedLines.add(task.line);
        retried.push(task);
      } else this.#fail(task.line, error.message, error.code);
    };
    const creations = tasks.filter(({ kind }) => kind === "create");
    await Promise.all(
      inHalves(creations).map((half) =>
        this.#send(half, collect, "products.createMany", { products: half.map(newProductOf) }),
      ),
    );
    const matched = tasks.filter((task) => task.kind === "update");
    const updates = matched.filter(({ changes }) => Object.keys(changes).length > 0);
    await this.#send(updates, collect, "products.updateMany", {
      products: updates.map(productUpdateOf),
    });
    // A row whose update failed changes nothing.
    const counted = matched.filter(
      ({ line, stock }) => stock !== undefined && !failedLines.has(line),
    );
    await this.#send(counted, collect, "products.updateInventories", {
      changes: counted.map(({ product, stock }) => ({ id: product.id, stock })),
    });
    const done = (some: readonly RowTask[]) => some.filter(({ line }) => !failedLines.has(line));
    this.counts.created += done(creations).length;
    const changed = matched.filter((task) => updates.includes(task) || counted.includes(task));
    this.counts.updated += done(changed).length;
    this.counts.unchanged += matched.length - changed.length;
    return retried;
  }

  /** Calls a bulk action, whose parameters have one item per task. */
  async #send<Task extends RowTask>(
    tasks: readonly Task[],
    onError: (task: Task, error: BulkError) => void,
    action: string,
    params: object,
  ): Promise<void> {
    if (tasks.length === 0) return;
    const { results } = await this.#call<BulkAnswer>(action, params);
    for (const { index, error } of results) {
      const task = tasks[index];
      if (error !== null && task !== undefined) onError(task, error);
    }
  }

  /** After a lost answer, rows that took effect fail as outdated, and the next round matches them. */
  #call<Result>(action: string, params: object): Promise<Result> {
    return callProducts<Result>(this.#broker, action, params, this.#options.onWait);
  }
}

/**
 * New products do not affect each other: no two rows of a file have the same id or SKU. So PostgreSQL
 * writes them through two connections.
 */
function inHalves<Task>(tasks: readonly Task[]): (readonly Task[])[] {
  const middle = Math.ceil(tasks.length / 2);
  return [tasks.slice(0, middle), tasks.slice(middle)];
}

function newProductOf({ values }: RowTask) {
  const { id: ownId, sku, name, description = "", price, stock = 0 } = values;
  return { id: ownId, sku, name, description, price, stock };
}

function productUpdateOf({ product, values, changes }: UpdateTask) {
  return { id: product.id, version: values.version ?? product.version, ...changes };
}

/** Returns true for an error that a match with the present products may avoid. */
function isOutdated({ kind, values }: RowTask, { code }: BulkError): boolean {
  const { VERSION_CONFLICT, SKU_TAKEN, PRODUCT_NOT_FOUND } = productErrors;
  // The input was checked: this id or SKU has been created meanwhile.
  if (kind === "create")
    return code === SKU_TAKEN.code || code === commonErrors.BAD_USER_INPUT.code;
  // A deleted product leaves its SKU to a new one.
  if (code === PRODUCT_NOT_FOUND.code) return values.id === undefined;
  return code === VERSION_CONFLICT.code;
}
