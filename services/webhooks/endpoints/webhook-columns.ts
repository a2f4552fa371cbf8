import { isoTime } from "../../../database/columns.ts";

/** The columns of `Webhook`. */
export const webhookColumns = `id, url, events, description, enabled,
  disabled_reason AS "disabledReason", ${isoTime("updated_at")} AS "updatedAt"`;

/** The stored secrets of a webhook, and until when the former one signs. */
export const secretColumns = `id, secret, former_secret,
  ${isoTime("former_secret_until")} AS "formerSecretUntil"`;
