import type { Config } from "../../config/config.ts";
import { openDatabase } from "../../mixins/database.mixin.ts";
import { ordersContract } from "./orders.contract.ts";

export type OrdersDatabase = ReturnType<typeof openOrdersDatabase>;

/** The orders service's own PostgreSQL database. */
export function openOrdersDatabase(config: Config, url: string) {
  return openDatabase(ordersContract, config, {
    url,
    migrations: new URL("migrations/", import.meta.url),
  });
}
