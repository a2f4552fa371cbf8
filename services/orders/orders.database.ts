import { databaseUrlOf, type Config } from "../../config/config.ts";
import { openDatabase } from "../../mixins/database.mixin.ts";
import { orderFields, orderModels } from "./order.model.ts";
import { orderPopulates } from "./reading/order-populates.ts";
import { ordersContract } from "./orders.contract.ts";
import { orderNotFound } from "./orders.errors.ts";

export type OrdersDatabase = ReturnType<typeof openOrdersDatabase>;

/** Opens the PostgreSQL database of the orders service. */
export function openOrdersDatabase(config: Config) {
  return openDatabase(ordersContract, config, {
    url: databaseUrlOf(config, ordersContract.name),
    migrations: new URL("migrations/", import.meta.url),
    models: orderModels,
    table: ({ orders }) => ({
      model: orders,
      fields: orderFields,
      maxRows: 1_000,
      populates: orderPopulates,
      notFound: orderNotFound,
    }),
  });
}
