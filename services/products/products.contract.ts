import { readFileSync } from "node:fs";
import { auditTrailAction } from "../../core/audit.ts";
import { defineContract } from "../../core/contract.ts";
import { defineErrors } from "../../core/errors.ts";
import { maxReportedViolations } from "../../core/validation.ts";
import { bulkAction, maxBulkItems } from "./bulk.contract.ts";
import { catalogueChangeActions, catalogueEvents } from "./catalogue/catalogue-changes.contract.ts";
import { maxPrices, maxSkus, catalogueActions } from "./catalogue/catalogue.contract.ts";
import {
  maxStockHistory,
  inventoryChanges,
  stockActions,
  stockEvents,
} from "./stock/stock.contract.ts";

export * from "./catalogue/catalogue.contract.ts";
export * from "./catalogue/catalogue-changes.contract.ts";
export * from "./stock/stock.contract.ts";
export * from "./stock/reservations/reservations.contract.ts";

/** The actions in the audit trail of products, with their meanings: values of the enum `AuditAction`. */
const productAuditActions = {
  PRODUCT_CREATED: "A product was added to the catalogue.",
  PRODUCT_UPDATED: "Name, description, price or SKU of a product changed.",
  STOCK_ADDED: "Pieces were added to the stock of a product.",
  STOCK_SUBTRACTED: "Pieces were subtracted from the stock of a product.",
  STOCK_SET: "The pieces of a product that can be ordered were set to a number.",
  STOCK_COUNTED: "An operator set the stock on hand of a product to the counted pieces.",
  PRODUCT_DELETED: "A product was deleted from the catalogue.",
} as const;

export type ProductAuditAction = keyof typeof productAuditActions;

/** Errors that only this service throws. */
export const productErrors = defineErrors({
  PRODUCT_NOT_FOUND: { status: 404, meaning: "There is no such product in the catalogue." },
  OUT_OF_STOCK: {
    status: 409,
    meaning: "Less is left than was asked for (`product_id`, `asked`, `left`).",
  },
  INSUFFICIENT_STOCK: {
    status: 409,
    meaning: "The subtraction would take the stock below zero (`product_id`, `asked`, `left`).",
  },
  SKU_TAKEN: { status: 409, meaning: "Another product of the catalogue has this SKU." },
  VERSION_CONFLICT: {
    status: 409,
    meaning: "The product was changed after it was read; it now has another `version`.",
  },
});

export const productsContract = defineContract({
  name: "products",
  auditActions: productAuditActions,
  graphql: {
    type: readFileSync(new URL("products.graphql", import.meta.url), "utf8"),
    listMaxima: {
      "Query.productsBySku": maxSkus,
      "BulkProductsPayload.results": maxBulkItems,
      "BulkProductError.fields": maxReportedViolations,
    },
    nodes: { Product: "resolve" },
    openEnums: {
      InventoryChange: {
        description: "Why the stock on hand of a product changed",
        values: inventoryChanges,
      },
    },
    resolvers: {
      BulkProductResult: {
        product: {
          action: "products.resolve",
          dataLoader: true,
          rootParams: { productId: "ids" },
        },
      },
      Product: {
        priceHistory: {
          action: "products.priceHistory",
          dataLoader: true,
          rootParams: { id: "ids" },
          maxRows: maxPrices,
        },
        stockHistory: {
          action: "products.stockHistories",
          dataLoader: true,
          rootParams: { id: "ids" },
          maxRows: maxStockHistory,
        },
      },
      InventoryUpdate: {
        product: {
          action: "products.resolve",
          dataLoader: true,
          rootParams: { product_id: "ids" },
        },
      },
    },
    subscriptions: {
      inventoryUpdated: {
        field: `
          """
          Sends each change of stock, and the deletion of a product. For everyone. Errors:
          BAD_USER_INPUT, CURSOR_EXPIRED.
          """
          inventoryUpdated(
            "The id of the only product to watch; all products if it is not given"
            productId: UUID
            "The old name of productId"
            product_id: ID @deprecated(reason: "Use productId.")
            "The cursor of the last received change: begins with the changes after it"
            after: String
          ): InventoryUpdate!
        `,
        events: ["inventory.updated"],
        access: "everyone",
      },
    },
  },
  actions: {
    ...catalogueActions,
    ...catalogueChangeActions,
    ...stockActions,
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
    /** Returns changes of catalogue and stock and rejected attempts, newest first. */
    auditTrail: auditTrailAction(
      "productsAudit",
      "The audit trail of products: changes of catalogue and stock, and rejected attempts.",
      productAuditActions,
    ),
  },
  events: {
    ...catalogueEvents,
    ...stockEvents,
  },
});
