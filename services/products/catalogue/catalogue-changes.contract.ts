import { action, event } from "../../../core/contract.ts";
import {
  code,
  exactText,
  id,
  int,
  line,
  nullable,
  optional,
  text,
} from "../../../core/validation.ts";
import type { Product } from "./catalogue.contract.ts";

/** The properties of a product that only the service sets. */
type Generated = "id" | "version" | "createdAt" | "updatedAt";

export interface NewProduct extends Omit<Product, Generated | "sku"> {
  sku?: string;
}

/** A change of at least one property of a product. */
export interface UpdateProduct {
  id: string;
  /** The version that the caller has read. */
  version: number;
  name?: string;
  description?: string;
  /** In minor units. */
  price?: number;
  /** An empty text removes the SKU. */
  sku?: string;
}

/** The rule of a new SKU. Stored ones may be others: earlier versions accepted all texts. */
const newSkuRule = code(1, 64);

/** The rules of a new product. */
export const newProductRules = {
  name: line(1, 200),
  description: text(0, 2000),
  price: int(0),
  stock: int(0),
  sku: optional(newSkuRule),
};

/** The rules of an update of a product. */
export const updateProductRules = {
  id: id(),
  version: int(1),
  name: optional(line(1, 200)),
  description: optional(text(0, 2000)),
  price: optional(int(0)),
  // The validator accepts an empty text before it applies the other rules.
  sku: optional({ ...newSkuRule, empty: true }),
};

export interface ProductCreated {
  product_id: string;
  name: string;
  price: number;
  stock: number;
  /** Missing in old events. */
  sku?: string | null;
}

/** The state of a product after an update. The events `inventory.updated` contain its stock. */
export interface ProductUpdated {
  product_id: string;
  name: string;
  description: string;
  price: number;
  sku: string | null;
  version: number;
}

/** The actions that change one product of the catalogue. */
export const catalogueChangeActions = {
  create: action<NewProduct, Product>({
    params: newProductRules,
    access: "admin",
    graphql: {
      mutation: `
        """
        Adds a product to the catalogue. For admins. Errors: UNAUTHENTICATED, FORBIDDEN,
        BAD_USER_INPUT, SKU_TAKEN.
        """
        createProduct("The product to create" input: CreateProduct!): Product!
      `,
    },
  }),
  update: action<UpdateProduct, Product>({
    params: updateProductRules,
    access: "admin",
    graphql: {
      mutation: `
        """
        Changes name, description, price or SKU of a product, and returns the product with its new
        version. Placed orders keep their prices. For admins. Errors: UNAUTHENTICATED, FORBIDDEN,
        BAD_USER_INPUT, PRODUCT_NOT_FOUND, VERSION_CONFLICT, SKU_TAKEN.
        """
        updateProduct("The product and its changes" input: UpdateProductInput!): Product!
      `,
    },
  }),
};

/** The events of products of the catalogue. */
export const catalogueEvents = {
  "product.created": event<ProductCreated>(1, {
    product_id: id(),
    name: exactText(1, 200),
    price: int(0),
    stock: int(0),
    sku: optional(nullable(exactText(1, 64))),
  }),
  "product.updated": event<ProductUpdated>(1, {
    product_id: id(),
    name: exactText(1, 200),
    description: exactText(0, 2000),
    price: int(0),
    sku: nullable(exactText(1, 64)),
    version: int(2),
  }),
};
