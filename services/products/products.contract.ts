import { readFileSync } from "node:fs";
import { auditTrailAction } from "../../core/audit.ts";
import { defineContract } from "../../core/contract.ts";
import { defineErrors } from "../../core/errors.ts";
import { maxReportedViolations } from "../../core/validation.ts";
import { bulkActions, maxBulkItems } from "./bulk/bulk.contract.ts";
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
    ...bulkActions,
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
