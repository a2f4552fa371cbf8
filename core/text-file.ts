import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { sleepSync } from "./tasks/sleep-sync.ts";

/**
 * A file that cannot be read, or whose bytes are no text. The message is a predicate; its subject is
 * the file's name.
 */
export class TextFileError extends Error {}

const maxMebibytes = 64;
const chunkBytes = 65_536;
/** The interval at which a pipe without data is read again. */
const pipeEveryMs = 10;

/** Explains the codes of system calls. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: "this user may not read it",
  EISDIR: "it is a folder",
  ELOOP: "it is a symbolic link to itself",
  ENOENT: "it does not exist",
  ENXIO: "it is a socket",
};

/**
 * Reads a text that any editor may have written: UTF-8 with or without a byte order mark, or UTF-16
 * with one. Throws TextFileError.
 */
export function readTextFile(path: string): string {
  const bytes = bytesOf(path);
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return decoded(bytes, "utf-16le", "UTF-16");
  if (first === 0xfe && second === 0xff) return decoded(bytes, "utf-16be", "UTF-16");
  const zero = bytes.indexOf(0);
  if (zero >= 0)
    throw new TextFileError(`has a zero byte in ${lineAt(bytes, zero)}: save it as UTF-8`);
  return decoded(bytes, "utf-8", "UTF-8");
}

function bytesOf(path: string): Buffer {
  let file: number | undefined;
  try {
    // Opening a named pipe would wait for a writer, without a message and perhaps for ever.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return readToEnd(file, fstatSync(file).isFIFO());
  } catch (cause) {
    if (cause instanceof TextFileError) throw cause;
    const { code = "" } = cause as NodeJS.ErrnoException;
    throw new TextFileError(`cannot be read: ${reasons[code] ?? code}`, { cause });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Reads a file of a bounded size: a device like /dev/zero has no end. */
function readToEnd(file: number, isPipe: boolean): Buffer {
  const chunks: Buffer[] = [];
  let hasWriter = false;
  for (let total = 0; total <= maxMebibytes * 1_048_576;) {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const length = readNow(file, chunk);
    if (length === undefined) {
      hasWriter = true;
      sleepSync(pipeEveryMs);
    } else if (length > 0) {
      chunks.push(chunk.subarray(0, length));
      total += length;
    } else if (isPipe && total === 0 && !hasWriter) {
      throw new TextFileError("cannot be read: it is a named pipe, and no program writes to it");
    } else {
      return Buffer.concat(chunks);
    }
  }
  throw new TextFileError(`cannot be read: it has more than ${maxMebibytes} MiB`);
}

/**
 * Reads from a file that was opened with O_NONBLOCK. Returns the number of bytes: 0 at the end, and for
 * a named pipe without a writer; undefined for a pipe whose writer has not written yet.
 */
export function readNow(file: number, chunk: Buffer): number | undefined {
  try {
    return readSync(file, chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
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
