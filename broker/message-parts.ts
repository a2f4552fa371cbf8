import { randomBytes } from "node:crypto";

/** A part starts with the id of its message, its index and the number of parts. */
const idBytes = 8;
const headBytes = idBytes + 4;
/** A message is dropped when no part has come for this long: its sender has died. */
const incompleteMs = 10_000;

/** Splits a message into parts of at most `maxBytes`, each with the header for `MessageParts`. */
export function partsOf(message: Buffer, maxBytes: number): Buffer[] {
  const id = randomBytes(idBytes);
  const partBytes = maxBytes - headBytes;
  const count = Math.ceil(message.length / partBytes);
  return Array.from({ length: count }, (_, index) => {
    const head = Buffer.alloc(headBytes);
    id.copy(head);
    head.writeUInt16BE(index, idBytes);
    head.writeUInt16BE(count, idBytes + 2);
    return Buffer.concat([head, message.subarray(index * partBytes, (index + 1) * partBytes)]);
  });
}

interface Incomplete {
  parts: (Buffer | undefined)[];
  missing: number;
  touchedAtMs: number;
}

/** Assembles messages from parts that come in any order, mixed with parts of other messages. */
export class MessageParts {
  readonly #incomplete = new Map<string, Incomplete>();

  /** Adds a part. Returns the message if this part completes it. */
  push(part: Buffer, nowMs = performance.now()): Buffer | undefined {
    if (part.length < headBytes) return undefined;
    const id = part.toString("latin1", 0, idBytes);
    const index = part.readUInt16BE(idBytes);
    const count = part.readUInt16BE(idBytes + 2);
    const message = this.#incomplete.get(id) ?? this.#begin(id, count, nowMs);
    if (index >= message.parts.length || message.parts[index] !== undefined) return undefined;
    message.parts[index] = part.subarray(headBytes);
    message.missing -= 1;
    message.touchedAtMs = nowMs;
    if (message.missing > 0) return undefined;
    this.#incomplete.delete(id);
    return Buffer.concat(message.parts as Buffer[]);
  }

  #begin(id: string, count: number, nowMs: number): Incomplete {
    for (const [other, { touchedAtMs }] of this.#incomplete) {
      if (touchedAtMs < nowMs - incompleteMs) this.#incomplete.delete(other);
    }
    const parts = Array.from<Buffer | undefined>({ length: count });
    const message = { parts, missing: count, touchedAtMs: nowMs };
    this.#incomplete.set(id, message);
    return message;
  }
}
