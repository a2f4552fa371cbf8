import type { Product } from "./products.contract.ts";

/** What others see of a stored product. */
export function publicProduct({ id, name, description, price, stock }: Product): Product {
  return { id, name, description, price, stock };
}
