import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { ConfigError } from "./config-reader.ts";

/** The prefix of a stored encrypted key. A plain key is PEM, or begins with `whsec_`. */
const version = "v1";
const cipher = "aes-256-gcm";
const keyBytes = 32;
const saltBytes = 16;
const ivBytes = 12;
const tagBytes = 16;
/** Each guess of the secret takes 32 MiB and about 80 ms. */
const cost = { N: 32_768, r: 8, p: 1, maxmem: 67_108_864 };

const deriveKey = promisify<string, Buffer, number, typeof cost, Buffer>(scrypt);

/** What a cipher encrypts, for messages about a missing or wrong secret. */
export interface SealedKeys {
  /** For example "the signing keys in the users database". */
  name: string;
  /** Completes "set it, or …". */
  remedy: string;
}

/** Encrypts keys with KEY_ENCRYPTION_SECRET, so that access to the database is not enough to sign. */
export class KeyCipher {
  readonly #secret: string | undefined;
  readonly #keys: SealedKeys;
  readonly #derived = new Map<string, Promise<Buffer>>();
  readonly #ownSalt = randomBytes(saltBytes);

  /** @param secret undefined stores keys in plain */
  constructor(secret: string | undefined, keys: SealedKeys) {
    this.#secret = secret;
    this.#keys = keys;
  }

  /** Returns whether a stored key has the form that `seal` would give it. */
  isUpToDate(stored: string): boolean {
    return this.#secret === undefined || isSealed(stored);
  }

  /** Returns the stored form of a key. It can only be opened with the same id. */
  async seal(id: string, key: string): Promise<string> {
    if (this.#secret === undefined) return key;
    const iv = randomBytes(ivBytes);
    const secret = await this.#keyFor(this.#secret, this.#ownSalt);
    const sealing = createCipheriv(cipher, secret, iv, { authTagLength: tagBytes });
    sealing.setAAD(Buffer.from(id));
    const parts = [sealing.update(key, "utf8"), sealing.final(), sealing.getAuthTag()];
    const texts = [this.#ownSalt, iv, Buffer.concat(parts)].map((part) =>
      part.toString("base64url"),
    );
    return [version, ...texts].join(".");
  }

  /** Returns a stored key in plain. Throws a ConfigError if the secret is missing or wrong. */
  async open(id: string, stored: string): Promise<string> {
    if (!isSealed(stored)) return stored;
    if (this.#secret === undefined) {
      throw new ConfigError(
        `KEY_ENCRYPTION_SECRET is not set, and ${this.#keys.name} are encrypted with it; set it, or ${this.#keys.remedy}.`,
      );
    }
    const [, salt, iv, sealed] = stored.split(".").map((part) => Buffer.from(part, "base64url"));
    if (salt?.length !== saltBytes || iv?.length !== ivBytes || sealed === undefined) {
      throw new Error(`The key ${id} is stored in an unknown format.`);
    }
    const key = await this.#keyFor(this.#secret, salt);
    const opening = createDecipheriv(cipher, key, iv, { authTagLength: tagBytes });
    opening.setAAD(Buffer.from(id)).setAuthTag(sealed.subarray(-tagBytes));
    try {
      return (
        opening.update(sealed.subarray(0, -tagBytes), undefined, "utf8") + opening.final("utf8")
      );
    } catch (cause) {
      throw new ConfigError(
        `KEY_ENCRYPTION_SECRET is not the one that ${this.#keys.name} were encrypted with; set that one, or ${this.#keys.remedy}.`,
        { cause },
      );
    }
  }

  /** Derives the key of a salt once, because the derivation is slow on purpose. */
  #keyFor(secret: string, salt: Buffer): Promise<Buffer> {
    const name = salt.toString("base64url");
    const cached = this.#derived.get(name);
    if (cached !== undefined) return cached;
    const derived = deriveKey(secret, salt, keyBytes, cost);
    this.#derived.set(name, derived);
    return derived;
  }
}

function isSealed(stored: string): boolean {
  return stored.startsWith(`${version}.`);
}
