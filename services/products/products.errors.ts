import { productErrors } from "./products.contract.ts";
import { invalidField, ClientError } from "../../core/errors.ts";
import { maxInt } from "../../core/validation.ts";

export const productNotFound = (productId: string) =>
  new ClientError(productErrors.PRODUCT_NOT_FOUND, "There is no such product in the catalogue.", {
    product_id: productId,
  });

/** For a lookup by SKU. */
export const noProductWithSku = (sku: string) =>
  new ClientError(
    productErrors.PRODUCT_NOT_FOUND,
    "There is no product with this SKU in the catalogue.",
    { sku },
  );

export const nothingToUpdate = () =>
  invalidField("", "The update changes nothing: give a name, a description, a price or an SKU.");

export const versionConflict = (productId: string, version: number) =>
  new ClientError(
    productErrors.VERSION_CONFLICT,
    `The product was changed meanwhile: it has version ${version}.`,
    { product_id: productId, version },
  );

export const skuTaken = () =>
  new ClientError(productErrors.SKU_TAKEN, "Another product of the catalogue has this SKU.");

/** The client errors of violated constraints. */
export const productsConstraints = { products_sku: skuTaken };

export const outOfStock = (productId: string, asked: number, left: number) =>
  new ClientError(productErrors.OUT_OF_STOCK, leftOf(left), {
    product_id: productId,
    asked,
    left,
  });

export const insufficientStock = (productId: string, asked: number, left: number) =>
  new ClientError(
    productErrors.INSUFFICIENT_STOCK,
    `The stock is ${left} and cannot go below zero.`,
    {
      product_id: productId,
      asked,
      left,
    },
  );

export const stockTooLarge = (field = "number") =>
  invalidField(
    field,
    `A product can receive at most ${maxInt} pieces in total, including sold ones.`,
  );

export const numberTooSmall = () =>
  invalidField("number", "The 'number' field must be at least 1.");

/** For a new product with an id of the caller. */
export const productExists = () => invalidField("id", "There is, or was, a product with this id.");

export const idOfOther = () => invalidField("id", "The id belongs to another object.");

/** For an item of a batch. */
export const namedTwice = ({ index }: { index: number }) =>
  invalidField(
    "id",
    `Item ${index} of the list changes the same product. Only the first change of a product in a list can take effect.`,
  );

export const stockOrChange = () =>
  invalidField("", "Give either 'stock', or a 'change' that is not 0, and not both.");

function leftOf(left: number): string {
  if (left === 0) return "This product is sold out.";
  return `Only ${left} of this product ${left === 1 ? "is" : "are"} left.`;
}
