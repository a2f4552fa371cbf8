import { ClientError } from "../../../core/errors.ts";
import type { ItemCheck } from "../../../core/item-check.ts";
import { namedTwice } from "../products.errors.ts";
import type { BulkAnswer, BulkError, BulkResult } from "./bulk.contract.ts";

/** A checked item of a bulk action, with its position in the input. */
export interface BulkItem<Item> {
  index: number;
  item: Item;
}

/** Numbers the items of a bulk action. */
export function numbered(given: readonly object[]): BulkItem<object>[] {
  return given.map((item, index) => ({ index, item }));
}

/** Collects the results of the items of a bulk action. */
export class BulkResults {
  readonly #results = new Map<number, BulkResult>();

  constructor(earlier?: BulkResults) {
    if (earlier !== undefined) this.#results = new Map(earlier.#results);
  }

  /** Notes that an item is done. */
  done(index: number, productId: string, version: number): void {
    this.#results.set(index, { index, productId, version, error: null });
  }

  /** Notes why an item failed. */
  fail(index: number, error: ClientError): void {
    const { fields, version, asked, left } = error.data as Partial<BulkError>;
    const data = { fields, version, asked, left };
    this.#results.set(index, {
      index,
      productId: null,
      version: null,
      error: {
        code: error.type,
        message: error.message,
        ...Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)),
      },
    });
  }

  /** Returns the items that are valid, and notes the errors of the others. */
  valid<Item>(items: readonly BulkItem<object>[], check: ItemCheck<Item>): BulkItem<Item>[] {
    return items.flatMap(({ index, item: given }) => {
      const item = check(given);
      if (!(item instanceof ClientError)) return [{ index, item }];
      this.fail(index, item);
      return [];
    });
  }

  /**
   * Returns the first item of each product, and fails the later ones. They fail whatever becomes of
   * the first, so that the result of an item does not depend on the errors of others.
   */
  firstOfProducts(given: readonly object[]): BulkItem<object>[] {
    const idOf = ({ id }: { id?: unknown }) =>
      typeof id === "string" ? id.toLowerCase() : undefined;
    return this.distinct(numbered(given), idOf, namedTwice);
  }

  /** Returns the first item of each key, and fails the later ones. Items without a key stay. */
  distinct<Item>(
    items: readonly BulkItem<Item>[],
    keyOf: (item: Item) => string | undefined,
    duplicate: (first: BulkItem<Item>, item: Item) => ClientError,
  ): BulkItem<Item>[] {
    const firstByKey = new Map<string, BulkItem<Item>>();
    return items.filter((entry) => {
      const key = keyOf(entry.item);
      if (key === undefined) return true;
      const first = firstByKey.get(key);
      if (first === undefined) {
        firstByKey.set(key, entry);
        return true;
      }
      this.fail(entry.index, duplicate(first, entry.item));
      return false;
    });
  }

  /** Returns the results in the order of the items. */
  answer(): BulkAnswer {
    const results = [...this.#results.values()].sort((a, b) => a.index - b.index);
    const failed = results.filter(({ error }) => error !== null).length;
    return { succeeded: results.length - failed, failed, results };
  }
}
