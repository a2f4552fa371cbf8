import { minorUnitsOf, priceText } from "../price-text.ts";
import type { UpdateProductInput } from "../../../../../../clients/typescript/src/generated/schema.ts";
import type { AdminProductFactsFragment } from "../products.graphql.ts";

export const productFields = ["name", "description", "price", "sku"] as const;
export type ProductField = (typeof productFields)[number];

/** The entries of a form of a product, as they are typed. */
export type ProductEntries = Record<ProductField, string>;

/** Returns the entries of the form of a saved product. */
export function entriesOf(product: Pick<AdminProductFactsFragment, ProductField>): ProductEntries {
  const { name, description, price, sku } = product;
  return { name, description, price: priceText(price), sku: sku ?? "" };
}

/** Returns the entries that the user has edited. A field that shows what is saved is no edit. */
export function editsOf(typed: ProductEntries, base: ProductEntries): Partial<ProductEntries> {
  const edited = productFields.filter((field) => !isSame(field, typed[field], base[field]));
  return Object.fromEntries(edited.map((field) => [field, typed[field]]));
}

/** Returns true if two entries of a field mean the same value. */
export function isSame(field: ProductField, one: string, other: string): boolean {
  if (field === "price") return minorUnitsOf(one) === minorUnitsOf(other);
  // A field of several lines has no carriage returns.
  return one.replaceAll("\r\n", "\n") === other.replaceAll("\r\n", "\n");
}

/** Returns the input of the mutation: other fields keep what is saved. */
export function inputOf(
  { id, version }: { id: string; version: number },
  { price, ...texts }: Partial<ProductEntries>,
): UpdateProductInput {
  const changed = price === undefined ? undefined : minorUnitsOf(price);
  return { id, version, ...texts, ...(changed !== undefined && { price: changed }) };
}
