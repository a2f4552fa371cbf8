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
function bulkAction<const Parameter extends string>(parameter: Parameter, mutation: string) {
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

/** The actions that create or change several products. */
export const bulkActions = {
  /** Creates the products of a batch. A result has SKU_TAKEN or BAD_USER_INPUT if it fails. */
  createMany: bulkAction(
    "products",
    `
      """
      Adds up to 1,000 products to the catalogue. A product that fails does not stop the others: it
      has an error in its result. Of several products with the same SKU, the first is created. For
      admins. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT for an empty or a too long list;
      of a product: BAD_USER_INPUT, SKU_TAKEN.
      """
      createProducts("The products to create" input: CreateProductsInput!): BulkProductsPayload!
    `,
  ),
  /**
   * Updates the products of a batch, each if its version is the given one. A result has
   * BAD_USER_INPUT, PRODUCT_NOT_FOUND, VERSION_CONFLICT or SKU_TAKEN if it fails.
   */
  updateMany: bulkAction(
    "products",
    `
      """
      Changes name, description, price or SKU of up to 1,000 products. A product that fails does
      not stop the others: it has an error in its result. Of several updates of the same product,
      only the first can be applied. An SKU that another product has is taken, also if the same mutation
      changes that product. For admins. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT for an
      empty or a too long list; of a product: BAD_USER_INPUT, PRODUCT_NOT_FOUND, VERSION_CONFLICT,
      SKU_TAKEN.
      """
      updateProducts("The products and their changes" input: UpdateProductsInput!): BulkProductsPayload!
    `,
  ),
  /**
   * Changes the stock of the products of a batch, by a difference or to a number. A result has
   * BAD_USER_INPUT, PRODUCT_NOT_FOUND or INSUFFICIENT_STOCK if it fails.
   */
  updateInventories: bulkAction(
    "changes",
    `
      """
      Changes the stock of up to 1,000 products, by a difference or to a number of pieces. A change
      that fails does not stop the others: it has an error in its result. Of several changes of the
      same product, only the first can be applied. For admins. Errors: UNAUTHENTICATED, FORBIDDEN,
      BAD_USER_INPUT for an empty or a too long list; of a change: BAD_USER_INPUT,
      PRODUCT_NOT_FOUND, INSUFFICIENT_STOCK.
      """
      updateInventories("The products and their changes" input: UpdateInventoriesInput!): BulkProductsPayload!
    `,
  ),
};
