import { createCipheriv, createDecipheriv } from "node:crypto";
import { invalidField, ClientError } from "../../../../core/errors.ts";
import type { LogSlice } from "../../../../core/events/log-slice.ts";
import { apiErrors } from "../../api.errors.ts";

/** 16 bytes in base64url. */
const cursorPattern = /^[\w-]{22}$/;
const algorithm = "aes-256-ecb";
/** The first four bytes of a cursor that names its event. Those of an earlier cursor are zero. */
const withEvent = 1;
const tagBytes = 5;

/** The content of a cursor. */
export interface OpenedCursor {
  position: number;
  /**
   * The last bytes of the event's id, which are random. They tell an event from another one that has
   * its position in a log that was restored from a backup. Undefined in a cursor of an older gateway.
   */
  eventTag: string | undefined;
}

/** Returns the part of an event's id that cursors contain. */
export function eventTagOf(id: string): string {
  return id.slice(-2 * tagBytes).toLowerCase();
}

/** Returns true if the log of a slice, which begins at a cursor, has the event of the cursor there. */
export function hasEventOf(
  { position, eventTag }: OpenedCursor,
  { previousId, prunedTo }: LogSlice,
): boolean {
  if (eventTag === undefined || previousId === undefined) return true;
  if (previousId === null) return position <= prunedTo;
  return eventTagOf(previousId) === eventTag;
}

/** Makes the error of a cursor whose events are not available. */
export function cursorExpired(): ClientError {
  const message =
    "The events after this cursor are not available any more. Subscribe without `after`, then read the present state.";
  return new ClientError(apiErrors.CURSOR_EXPIRED, message);
}

/**
 * Encrypts places in one event log as cursors for clients. A plain position would tell a user how
 * many orders of others lie between two of their own. A cursor is one AES block: a four-byte mark, a
 * position of seven bytes and five bytes of the event's id. The mark authenticates it: another text,
 * or a cursor of another log, decrypts to other bytes.
 */
export class CursorSeal {
  readonly #key: Buffer;

  /** @param cursorKey 32 bytes in hexadecimal digits */
  constructor(cursorKey: string) {
    this.#key = Buffer.from(cursorKey, "hex");
  }

  /**
   * Returns the cursor of an event. Without an id, which a producer of an older version does not
   * send, it is a cursor as older gateways make it: zero bytes and the position.
   */
  seal(position: number, eventId?: string): string {
    return this.#encrypt(position, eventId === undefined ? undefined : eventTagOf(eventId));
  }

  /** Returns the content of a cursor. Throws BAD_USER_INPUT for any other text. */
  open(cursor: string): OpenedCursor {
    const opened = cursorPattern.test(cursor) ? this.#decrypt(cursor) : undefined;
    // The last character of base64url has unused bits.
    if (opened !== undefined && this.#encrypt(opened.position, opened.eventTag) === cursor) {
      return opened;
    }
    const message =
      "'after' must be the `cursor` of an earlier event of this subscription, unchanged.";
    throw invalidField("after", message);
  }

  #encrypt(position: number, eventTag: string | undefined): string {
    const block = Buffer.alloc(16);
    if (eventTag === undefined) {
      block.writeBigUInt64BE(BigInt(position), 8);
    } else {
      // Eight bytes end where the seven bytes of the position end. The mark overwrites the first.
      block.writeBigUInt64BE(BigInt(position), 3);
      block.writeUInt32BE(withEvent);
      block.write(eventTag, 16 - tagBytes, "hex");
    }
    const cipher = createCipheriv(algorithm, this.#key, null).setAutoPadding(false);
    return Buffer.concat([cipher.update(block), cipher.final()]).toString("base64url");
  }

  #decrypt(cursor: string): OpenedCursor | undefined {
    const decipher = createDecipheriv(algorithm, this.#key, null).setAutoPadding(false);
    const bytes = [decipher.update(Buffer.from(cursor, "base64url")), decipher.final()];
    const block = Buffer.concat(bytes);
    const isWithEvent = block.readUInt32BE(0) === withEvent;
    if (!isWithEvent && block.readBigUInt64BE(0) !== 0n) return undefined;
    const eventTag = isWithEvent ? block.toString("hex", 16 - tagBytes) : undefined;
    if (isWithEvent) block[3] = 0;
    const position = Number(block.readBigUInt64BE(isWithEvent ? 3 : 8));
    return Number.isSafeInteger(position) ? { position, eventTag } : undefined;
  }
}
