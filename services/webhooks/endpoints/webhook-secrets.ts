import { randomBytes } from "node:crypto";
import { KeyCipher } from "../../../config/key-cipher.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";

/** The prefix of a secret in the Standard Webhooks specification. */
export const secretPrefix = "whsec_";
const secretBytes = 32;

/** The secrets of a webhook as they are stored. */
export interface StoredSecrets {
  id: string;
  secret: string;
  former_secret: string | null;
}

/** The secrets that sign webhooks, encrypted in the database if KEY_ENCRYPTION_SECRET is set. */
export class WebhookSecrets {
  readonly #cipher: KeyCipher;

  constructor(keyEncryptionSecret: string | undefined) {
    this.#cipher = new KeyCipher(keyEncryptionSecret, {
      name: "the secrets in the webhooks database",
      remedy:
        "if it is lost, delete the rows of the tables deliveries, delivery_lanes and webhooks there, and create the webhooks again",
    });
  }

  /** Returns the stored form of a new secret. */
  create(webhookId: string): Promise<string> {
    const secret = secretPrefix + randomBytes(secretBytes).toString("base64");
    return this.#cipher.seal(webhookId, secret);
  }

  /** Returns the secrets that sign an event, the current one first. */
  async open({ id, secret, former_secret }: StoredSecrets): Promise<[string, ...string[]]> {
    const current = await this.#cipher.open(id, secret);
    return former_secret === null
      ? [current]
      : [current, await this.#cipher.open(id, former_secret)];
  }

  /** Encrypts plain secrets if there is a key. Throws a ConfigError if the key cannot open the others. */
  async sealAll(query: Query): Promise<void> {
    const rows = await query<StoredSecrets>(
      "SELECT id, secret, former_secret FROM webhooks WHERE deleted_at IS NULL",
      [],
    );
    for (const row of rows) {
      const stored = [row.secret, row.former_secret ?? row.secret];
      if (stored.every((secret) => this.#cipher.isUpToDate(secret))) {
        await this.open(row);
        continue;
      }
      const [secret, former] = await this.open(row);
      await query(
        `UPDATE webhooks SET secret = $2, former_secret = $3
         WHERE id = $1 AND secret = $4 AND former_secret IS NOT DISTINCT FROM $5`,
        [
          row.id,
          await this.#cipher.seal(row.id, secret),
          former === undefined ? null : await this.#cipher.seal(row.id, former),
          row.secret,
          row.former_secret,
        ],
      );
    }
  }
}
