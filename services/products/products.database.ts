import { databaseUrlOf, type Config } from "../../config/config.ts";
import { openDatabase } from "../../mixins/database.mixin.ts";
import { productFields, productModels } from "./catalogue/product.model.ts";
import { productsContract } from "./products.contract.ts";
import { productNotFound, productsConstraints } from "./products.errors.ts";

export type ProductsDatabase = ReturnType<typeof openProductsDatabase>;

/** Opens the PostgreSQL database of the products service. */
export function openProductsDatabase(config: Config) {
  return openDatabase(productsContract, config, {
    url: databaseUrlOf(config, productsContract.name),
    migrations: new URL("migrations/", import.meta.url),
    models: productModels,
    table: ({ products }) => ({
      model: products,
      fields: productFields,
      maxRows: 100,
      notFound: productNotFound,
    }),
    constraints: productsConstraints,
  });
}
