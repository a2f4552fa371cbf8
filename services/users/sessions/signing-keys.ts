import {
  createPrivateKey,
  generateKeyPair,
  randomUUID,
  type JsonWebKey,
  type KeyObject,
} from "node:crypto";
import { promisify } from "node:util";
import type { Sender } from "../../../core/access.ts";
import type { Config } from "../../../config/config.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import { KeyCipher } from "../../../config/key-cipher.ts";
import { clockMarginSeconds } from "./sessions.ts";
import { tokenIdentity, type PublicKey, type UserAuditAction } from "../users.contract.ts";
import type { UsersDatabase, UsersTransaction } from "../users.database.ts";

/** The key that signs new tokens. */
interface SigningKey {
  kid: string;
  privateKey: KeyObject;
}

interface StoredKey {
  kid: string;
  private_pem: string;
}

/** The advisory lock that lets only one replica at a time create or replace keys. */
const keyLock = 7_240_002;

/** For messages about KEY_ENCRYPTION_SECRET. */
const sealedKeys = {
  name: "the signing keys in the users database",
  remedy:
    "if it is lost, empty the table signing_keys there: the next start creates new keys, and access tokens issued before are rejected",
};

/** How long a replica may sign with a key that another replica has replaced or revoked. */
const staleAfterMs = 3_000;

/**
 * The keys of this shop's tokens. One key signs; earlier keys stay published until the last token
 * that they have signed has expired. The private keys stay in the users database.
 */
export class SigningKeys {
  readonly #database: UsersDatabase;
  readonly #config: Pick<Config, "tokenTtlSeconds" | "keyRotationMs">;
  readonly #cipher: KeyCipher;
  #isOpen = false;
  #parsed: SigningKey | undefined;
  #loaded: { key: Promise<SigningKey>; untilMs: number } | undefined;

  constructor(
    database: UsersDatabase,
    config: Pick<Config, "tokenTtlSeconds" | "keyRotationMs" | "keyEncryptionSecret">,
  ) {
    this.#database = database;
    this.#config = config;
    this.#cipher = new KeyCipher(config.keyEncryptionSecret, sealedKeys);
  }

  /**
   * Creates the first key if there is none, and encrypts plain keys if there is a secret. Throws a
   * ConfigError if the secret cannot decrypt the signing key.
   */
  async open(): Promise<void> {
    await this.#locked(async ({ query }) => {
      const signing = await signingKeyIn(query);
      if (signing === undefined) await this.#insert(query);
      else await this.#cipher.open(signing.kid, signing.private_pem);
      await this.#sealAll(query);
      await this.#replaceIfDue(query);
    });
    this.#isOpen = true;
  }

  /** Replaces the signing key when it is due, and deletes keys that are no longer needed. */
  async maintain(): Promise<void> {
    // A replica with the wrong secret must not replace a key that it cannot open.
    if (!this.#isOpen) return;
    const { query } = this.#database;
    await query(
      `DELETE FROM signing_keys
       WHERE retired_at < now() - (token_ttl_seconds + $1) * interval '1 second'`,
      [clockMarginSeconds],
    );
    if (await this.#isDue(query)) await this.#locked((work) => this.#replaceIfDue(work.query));
  }

  /** Returns the public keys that may still have valid tokens, newest first. */
  async publicKeys(): Promise<PublicKey[]> {
    const rows = await this.#database.query<{ public_jwk: PublicKey }>(
      `SELECT public_jwk FROM signing_keys WHERE retired_at IS NULL
         OR retired_at >= now() - (token_ttl_seconds + $1) * interval '1 second'
       ORDER BY created_at DESC`,
      [clockMarginSeconds],
    );
    return rows.map(({ public_jwk }) => public_jwk);
  }

  /** Returns the signing key. It may have been replaced a few seconds ago. */
  signingKey(): Promise<SigningKey> {
    if (this.#loaded !== undefined && performance.now() < this.#loaded.untilMs) {
      return this.#loaded.key;
    }
    const loaded = { key: this.#load(), untilMs: performance.now() + staleAfterMs };
    this.#loaded = loaded;
    loaded.key.catch(() => {
      // The next call loads again at once. The caller receives the error through the promise.
      if (this.#loaded === loaded) this.#loaded = undefined;
    });
    return loaded.key;
  }

  /**
   * Replaces the signing key.
   *
   * @param revoke deletes all other keys at once, so that their tokens are rejected
   */
  async rotate(revoke: boolean, sender: Sender): Promise<{ kid: string }> {
    const rotated = await this.#locked(async ({ query }) => {
      const { kid } = await this.#replace(query, revoke);
      await recordAudit<UserAuditAction>(query, {
        action: "KEYS_ROTATED",
        sender,
        detail: { kid, revoke },
      });
      return { kid };
    });
    this.#loaded = undefined;
    return rotated;
  }

  /** Returns the age of the signing key; undefined before the first key. */
  async ageSeconds(): Promise<number | undefined> {
    const [row] = await this.#database.query<{ age: number | null }>(
      `SELECT extract(epoch FROM now() - max(created_at))::float8 AS age
       FROM signing_keys WHERE retired_at IS NULL`,
      [],
    );
    return row?.age ?? undefined;
  }

  #locked<Result>(useCase: (work: UsersTransaction) => Promise<Result>): Promise<Result> {
    return this.#database.transaction(async (work) => {
      await work.query("SELECT pg_advisory_xact_lock($1)", [keyLock]);
      return useCase(work);
    });
  }

  async #load(): Promise<SigningKey> {
    const { query } = this.#database;
    const stored = await signingKeyIn(query);
    if (stored === undefined) throw new Error("The users database holds no signing key.");
    const { kid, private_pem } = stored;
    if (this.#parsed?.kid !== kid) {
      const pem = await this.#cipher.open(kid, private_pem);
      await query(
        `UPDATE signing_keys SET token_ttl_seconds = $2
         WHERE kid = $1 AND token_ttl_seconds < $2`,
        [kid, this.#config.tokenTtlSeconds],
      );
      this.#parsed = { kid, privateKey: createPrivateKey(pem) };
    }
    return this.#parsed;
  }

  async #sealAll(query: Query): Promise<void> {
    const keys = await query<StoredKey>("SELECT kid, private_pem FROM signing_keys", []);
    for (const { kid, private_pem } of keys) {
      if (this.#cipher.isUpToDate(private_pem)) continue;
      const sealed = await this.#cipher.seal(kid, private_pem);
      await query("UPDATE signing_keys SET private_pem = $2 WHERE kid = $1", [kid, sealed]);
    }
  }

  async #replaceIfDue(query: Query): Promise<void> {
    if (await this.#isDue(query)) await this.#replace(query, false);
  }

  async #isDue(query: Query): Promise<boolean> {
    const due = await query(
      `SELECT FROM signing_keys WHERE retired_at IS NULL
         AND created_at < now() - $1 * interval '1 millisecond'`,
      [this.#config.keyRotationMs],
    );
    return due.length > 0;
  }

  async #replace(query: Query, revoke: boolean): Promise<{ kid: string }> {
    await query(
      revoke
        ? "DELETE FROM signing_keys"
        : "UPDATE signing_keys SET retired_at = clock_timestamp() WHERE retired_at IS NULL",
      [],
    );
    return this.#insert(query);
  }

  async #insert(query: Query): Promise<{ kid: string }> {
    const pair = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
    const kid = randomUUID();
    const pem = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const jwk: JsonWebKey = pair.publicKey.export({ format: "jwk" });
    const publicKey: PublicKey = { ...jwk, kid, alg: tokenIdentity.algorithm, use: "sig" };
    await query(
      // Not now(), the start of this transaction: another one may have created a key since then.
      `INSERT INTO signing_keys (kid, private_pem, public_jwk, token_ttl_seconds, created_at)
       VALUES ($1, $2, $3, $4, clock_timestamp())`,
      [
        kid,
        await this.#cipher.seal(kid, pem),
        JSON.stringify(publicKey),
        this.#config.tokenTtlSeconds,
      ],
    );
    return { kid };
  }
}

async function signingKeyIn(query: Query): Promise<StoredKey | undefined> {
  const [key] = await query<StoredKey>(
    `SELECT kid, private_pem FROM signing_keys WHERE retired_at IS NULL
     ORDER BY created_at DESC LIMIT 1`,
    [],
  );
  return key;
}
