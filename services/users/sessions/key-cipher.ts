import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { ConfigError } from "../../../config/config-reader.ts";

/** What the stored form of a sealed key begins with; a key in plain is PEM. */
const version = "v1";
const cipher = "aes-256-gcm";
const keyBytes = 32;
const saltBytes = 16;
const ivBytes = 12;
const tagBytes = 16;
/** 32 MiB and some 80 ms for each guess at a secret that somebody has thought up. */
const cost = { N: 32_768, r: 8, p: 1, maxmem: 67_108_864 };

const deriveKey = promisify<string, Buffer, number, typeof cost, Buffer>(scrypt);

const remedy =
  "if it is lost, empty the table signing_keys there: new keys are made at the next start, and tokens given so far are no longer taken";

/** Seals private keys with a secret, so that it takes more than the database to sign tokens. */
export class KeyCipher {
  readonly #secret: string | undefined;
  readonly #derived = new Map<string, Promise<Buffer>>();
  readonly #ownSalt = randomBytes(saltBytes);

  /** Without a secret, keys are stored as they are. */
  constructor(secret: string | undefined) {
    this.#secret = secret;
  }

  /** Whether a stored key is in the form that this cipher gives it. */
  isAsWanted(stored: string): boolean {
    return this.#secret === undefined || isSealed(stored);
  }

  /** The form in which a private key is stored. It belongs to its key id, and opens with no other. */
  async seal(kid: string, pem: string): Promise<string> {
    if (this.#secret === undefined) return pem;
    const iv = randomBytes(ivBytes);
    const key = await this.#keyFor(this.#secret, this.#ownSalt);
    const sealing = createCipheriv(cipher, key, iv, { authTagLength: tagBytes });
    sealing.setAAD(Buffer.from(kid));
    const parts = [sealing.update(pem, "utf8"), sealing.final(), sealing.getAuthTag()];
    const texts = [this.#ownSalt, iv, Buffer.concat(parts)].map((part) =>
      part.toString("base64url"),
    );
    return [version, ...texts].join(".");
  }

  /** The PEM of a stored key. Throws a ConfigError where the secret is missing or another one. */
  async open(kid: string, stored: string): Promise<string> {
    if (!isSealed(stored)) return stored;
    if (this.#secret === undefined) {
      throw new ConfigError(
        `KEY_ENCRYPTION_SECRET is not set, and the signing keys in the users database are encrypted with it; set it, or ${remedy}.`,
      );
    }
    const [, salt, iv, sealed] = stored.split(".").map((part) => Buffer.from(part, "base64url"));
    if (salt?.length !== saltBytes || iv?.length !== ivBytes || sealed === undefined) {
      throw new Error(`the signing key ${kid} is stored in a form that nobody knows`);
    }
    const key = await this.#keyFor(this.#secret, salt);
    const opening = createDecipheriv(cipher, key, iv, { authTagLength: tagBytes });
    opening.setAAD(Buffer.from(kid)).setAuthTag(sealed.subarray(-tagBytes));
    try {
      return (
        opening.update(sealed.subarray(0, -tagBytes), undefined, "utf8") + opening.final("utf8")
      );
    } catch (cause) {
      throw new ConfigError(
        `KEY_ENCRYPTION_SECRET is not the one that the signing keys in the users database were encrypted with; set that one, or ${remedy}.`,
        { cause },
      );
    }
  }

  /** The derivation is slow on purpose, and done once for each salt. */
  #keyFor(secret: string, salt: Buffer): Promise<Buffer> {
    const name = salt.toString("base64url");
    const known = this.#derived.get(name);
    if (known !== undefined) return known;
    const derived = deriveKey(secret, salt, keyBytes, cost);
    this.#derived.set(name, derived);
    return derived;
  }
}

function isSealed(stored: string): boolean {
  return stored.startsWith(`${version}.`);
}
