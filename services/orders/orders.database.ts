import { databaseUrlOf, type Config } from "../../config/config.ts";
import { openDatabase } from "../../mixins/database.mixin.ts";
import { ordersContract } from "./orders.contract.ts";

export type OrdersDatabase = ReturnType<typeof openOrdersDatabase>;

/** The orders service's own PostgreSQL database. */
export function openOrdersDatabase(config: Config) {
  return openDatabase(ordersContract, config, {
    url: databaseUrlOf(config, ordersContract.name),
    migrations: new URL("migrations/", import.meta.url),
  });
}
