import { createCipheriv, createDecipheriv } from "node:crypto";
import { badUserInput } from "../../../core/errors.ts";

/** 16 bytes in base64url. */
const cursorPattern = /^[\w-]{22}$/;
const algorithm = "aes-256-ecb";

/**
 * Encrypts positions of one event log as cursors for clients. A plain position would tell a user how
 * many orders of others lie between two of their own. A cursor is one AES block: eight zero bytes
 * and the position. The zero bytes authenticate it: another text, or a cursor of another log,
 * decrypts to other bytes.
 */
export class CursorSeal {
  readonly #key: Buffer;

  /** @param cursorKey 32 bytes in hexadecimal digits */
  constructor(cursorKey: string) {
    this.#key = Buffer.from(cursorKey, "hex");
  }

  /** Returns the cursor of a position. */
  seal(position: number): string {
    const block = Buffer.alloc(16);
    block.writeBigUInt64BE(BigInt(position), 8);
    const cipher = createCipheriv(algorithm, this.#key, null).setAutoPadding(false);
    return Buffer.concat([cipher.update(block), cipher.final()]).toString("base64url");
  }

  /** Returns the position of a cursor. Throws BAD_USER_INPUT for any other text. */
  open(cursor: string): number {
    const position = cursorPattern.test(cursor) ? this.#decrypt(cursor) : undefined;
    if (position !== undefined && this.seal(position) === cursor) return position;
    const message =
      "'after' must be the `cursor` of an earlier event of this subscription, unchanged.";
    throw badUserInput([{ field: "after", message }]);
  }

  #decrypt(cursor: string): number | undefined {
    const decipher = createDecipheriv(algorithm, this.#key, null).setAutoPadding(false);
    const bytes = [decipher.update(Buffer.from(cursor, "base64url")), decipher.final()];
    const block = Buffer.concat(bytes);
    const position = Number(block.readBigUInt64BE(8));
    const isPosition = block.readBigUInt64BE(0) === 0n && Number.isSafeInteger(position);
    return isPosition ? position : undefined;
  }
}
