import { action } from "../../../core/contract.ts";
import type { GraphqlField } from "../../../core/graphql/graphql-options.ts";
import type { FieldViolation } from "../../../core/errors.ts";
import { anyInt, id, int, optional } from "../../../core/validation.ts";

/** The maximum number of items of a bulk action. */
export const maxBulkItems = 1_000;

/** Why an item of a bulk action failed. The fields of `data` depend on the code. */
export interface BulkError {
  code: string;
  message: string;
  /** The broken rules of BAD_USER_INPUT. */
  fields?: FieldViolation[];
  /** The current version of the product, for VERSION_CONFLICT. */
  version?: number;
  /** Pieces, for INSUFFICIENT_STOCK. */
  asked?: number;
  left?: number;
}

/** What became of an item of a bulk action. */
export interface BulkResult {
  /** The position of the item in the input, from 0. */
  index: number;
  /** The product; null if the item failed. */
  productId: string | null;
  /** The version of the product after the change; null if the item failed. */
  version: number | null;
  /** Null if the item is done. */
  error: BulkError | null;
}

/** The answer of a bulk action. It stays below NATS's 1 MB: the gateway loads the products. */
export interface BulkAnswer {
  succeeded: number;
  failed: number;
  /** One for each item, in the order of the items. */
  results: BulkResult[];
}

/** A change of the stock of a product: exactly one of `stock` and `change` is given. */
export interface ChangeInventory {
  id: string;
  /** The number of pieces that can be ordered after the change. */
  stock?: number;
  /** The pieces to add, or to subtract if negative; not 0. */
  change?: number;
}

/** The rules of an item of `products.updateInventories`. */
export const changeInventoryRules = {
  id: id(),
  stock: optional(int(0)),
  change: optional(anyInt()),
};

/** A few transactions at a time leave connections to the orders. */
const bulkhead = { concurrency: 2, maxQueueSize: 100 };
/** A batch of long texts on a busy machine takes seconds. */
const timeout = 10_000;
/** A batch item costs half of a single mutation. */
const costPerItem = 5;

/**
 * Declares a bulk action. It checks each item by itself: an item that fails does not stop the others.
 *
 * @param parameter the name of the list of items
 * @param mutation the GraphQL field
 */
export function bulkAction<const Parameter extends string>(parameter: Parameter, mutation: string) {
  const graphql: GraphqlField = { mutation, items: { parameter, costPerItem } };
  return action<Record<Parameter, object[]>, BulkAnswer>({
    params: {
      [parameter]: { type: "array", min: 1, max: maxBulkItems, items: { type: "object" } },
    } as never,
    access: "admin",
    bulkhead,
    timeout,
    graphql,
  });
}
