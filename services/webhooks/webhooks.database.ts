import { databaseUrlOf, type Config } from "../../config/config.ts";
import { openDatabase } from "../../mixins/database.mixin.ts";
import type { UnitOfWork } from "../../mixins/database-types.ts";
import { webhooksContract } from "./webhooks.contract.ts";

export type WebhooksDatabase = ReturnType<typeof openWebhooksDatabase>;

/** A transaction in the webhooks database. */
export type WebhooksTransaction = UnitOfWork<typeof webhooksContract.events>;

/** Opens the PostgreSQL database of the webhooks service. */
export function openWebhooksDatabase(config: Config) {
  return openDatabase(webhooksContract, config, {
    url: databaseUrlOf(config, webhooksContract.name),
    migrations: new URL("migrations/", import.meta.url),
  });
}
