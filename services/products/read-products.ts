import { Crowd } from "../../core/crowd.ts";
import { maxListRows, type Page } from "../../core/validation.ts";
import { inOrderOf } from "../../mixins/reads.ts";
import type { Product } from "./products.contract.ts";
import type { ProductsDatabase } from "./products.database.ts";

/** More rows in one statement gain little. */
const maxLookups = 500;
/** Statements at a time: while they run, the next one gathers. */
const maxStatements = 3;

/** The products of the catalogue by their ids, those that are asked for together in one statement. */
export function productLookups({ query }: ProductsDatabase): Crowd<string, Product | null> {
  return new Crowd(
    async (ids) => {
      const products = await query<Product>(
        `SELECT id, name, description, price, stock FROM products
         WHERE id = ANY ($1::uuid[]) AND archived_at IS NULL`,
        [[...new Set(ids)]],
      );
      return inOrderOf(ids, products);
    },
    { maxItems: maxLookups, maxBatches: maxStatements },
  );
}

/** The products of the catalogue, oldest first. Who asks for the same page together shares it. */
export function productPages({ query }: ProductsDatabase): Crowd<Page, Product[]> {
  return new Crowd(
    async (pages) => {
      const read = new Map<string, Promise<Product[]>>();
      return Promise.all(
        pages.map(({ limit = maxListRows, offset = 0 }) => {
          const key = `${limit} ${offset}`;
          const page =
            read.get(key) ??
            query<Product>(
              `SELECT id, name, description, price, stock FROM products
               WHERE archived_at IS NULL ORDER BY id LIMIT $1 OFFSET $2`,
              [limit, offset],
            );
          read.set(key, page);
          return page;
        }),
      );
    },
    { maxItems: maxLookups, maxBatches: maxStatements },
  );
}
