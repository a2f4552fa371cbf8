import { readFileSync } from "node:fs";

/** A file whose bytes are no text. The message is a predicate; its subject is the file's name. */
export class TextFileError extends Error {}

/**
 * Reads a text that any editor may have written: UTF-8 with or without a byte order mark, or UTF-16
 * with one. Throws TextFileError and the errors of `readFileSync`.
 */
export function readTextFile(path: string): string {
  const bytes = readFileSync(path);
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return decoded(bytes, "utf-16le", "UTF-16");
  if (first === 0xfe && second === 0xff) return decoded(bytes, "utf-16be", "UTF-16");
  const zero = bytes.indexOf(0);
  if (zero >= 0)
    throw new TextFileError(`has a zero byte in ${lineAt(bytes, zero)}: save it as UTF-8`);
  return decoded(bytes, "utf-8", "UTF-8");
}

function decoded(bytes: Buffer, encoding: string, name: string): string {
  try {
    // The decoder removes the byte order mark.
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    if (name !== "UTF-8") throw new TextFileError(`is no valid ${name}: save it as UTF-8`);
    throw new TextFileError(
      `is no valid UTF-8 in ${lineAt(bytes, firstInvalid(bytes))}: save it as UTF-8`,
    );
  }
}

/** Returns the offset of the first invalid byte: a decoder puts a replacement character there. */
function firstInvalid(bytes: Buffer): number {
  const text = bytes.toString("utf8");
  for (let at = text.indexOf("\uFFFD"); at >= 0; at = text.indexOf("\uFFFD", at + 1)) {
    const offset = Buffer.byteLength(text.slice(0, at));
    // The file itself may contain a replacement character.
    if (bytes.toString("utf8", offset, offset + 3) !== "\uFFFD" || bytes[offset] !== 0xef)
      return offset;
  }
  return bytes.length;
}

function lineAt(bytes: Buffer, offset: number): string {
  return `line ${bytes.subarray(0, offset).toString("latin1").split("\n").length}`;
}
