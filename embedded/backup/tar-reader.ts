/** A file or a folder of an archive. */
export interface TarEntry {
  /** A path without `.` and `..`, relative to the archive. */
  path: string;
  type: "file" | "folder";
  bytes: number;
}

/** Takes the entries of an archive, one after the other. */
export interface TarVisitor {
  begin(entry: TarEntry): void;
  /** A part of the content of the entry. */
  content(bytes: Buffer): void;
  /** The content of the entry is complete. */
  end(): void;
}

const blockBytes = 512;
const checksumAt = 148;
const checksumBytes = 8;

/**
 * Reads an archive in the format ustar, as PostgreSQL writes it for a base backup. `write` throws an
 * Error for a text that is no such archive.
 */
export class TarReader {
  readonly #visitor: TarVisitor;
  /** The beginning of a header. */
  #header = Buffer.alloc(0);
  #contentLeft = 0;
  #paddingLeft = 0;
  #hasEnded = false;

  constructor(visitor: TarVisitor) {
    this.#visitor = visitor;
  }

  /** Reads the next part of the archive. */
  write(chunk: Buffer): void {
    let rest = chunk;
    // Zero blocks follow the last entry.
    while (rest.length > 0 && !this.#hasEnded) rest = rest.subarray(this.#step(rest));
  }

  /** Throws an Error if the archive has no end. */
  end(): void {
    if (!this.#hasEnded) throw new Error("is damaged: the archive has no end");
  }

  /** Reads the beginning of some bytes. Returns their number. */
  #step(bytes: Buffer): number {
    if (this.#contentLeft > 0) {
      const content = bytes.subarray(0, this.#contentLeft);
      this.#visitor.content(content);
      this.#contentLeft -= content.length;
      if (this.#contentLeft === 0) this.#visitor.end();
      return content.length;
    }
    if (this.#paddingLeft > 0) {
      const skipped = Math.min(this.#paddingLeft, bytes.length);
      this.#paddingLeft -= skipped;
      return skipped;
    }
    const part = bytes.subarray(0, blockBytes - this.#header.length);
    this.#header = Buffer.concat([this.#header, part]);
    if (this.#header.length === blockBytes) this.#beginEntry();
    return part.length;
  }

  #beginEntry(): void {
    const header = this.#header;
    this.#header = Buffer.alloc(0);
    if (header.every((byte) => byte === 0)) {
      this.#hasEnded = true;
      return;
    }
    const entry = entryOf(header);
    this.#contentLeft = entry.bytes;
    this.#paddingLeft = (blockBytes - (entry.bytes % blockBytes)) % blockBytes;
    this.#visitor.begin(entry);
    if (entry.bytes === 0) this.#visitor.end();
  }
}

function entryOf(header: Buffer): TarEntry {
  let sum = 0;
  for (const [index, byte] of header.entries()) {
    const isChecksum = index >= checksumAt && index < checksumAt + checksumBytes;
    sum += isChecksum ? 0x20 : byte;
  }
  if (sum !== octal(header, checksumAt, checksumBytes)) {
    throw new Error("is damaged: the archive has an invalid header");
  }
  const prefix = textOf(header, 345, 155);
  const name = textOf(header, 0, 100).replace(/\/$/, "");
  const path = (prefix === "" ? name : `${prefix}/${name}`).replace(/^\.\//, "");
  // Such a path could leave the folder that the archive is extracted to.
  if (path.split("/").some((part) => ["", ".", ".."].includes(part))) {
    throw new Error(`is damaged: the archive has the invalid path "${path}"`);
  }
  const type = textOf(header, 156, 1);
  if (type === "5") return { path, type: "folder", bytes: 0 };
  if (type !== "0" && type !== "") {
    throw new Error(`is damaged: ${path} is neither a file nor a folder of the archive`);
  }
  return { path, type: "file", bytes: octal(header, 124, 12) };
}

/** Returns the text of a field, which ends with a zero byte or the field. */
function textOf(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? length : end);
}

function octal(header: Buffer, start: number, length: number): number {
  const digits = textOf(header, start, length).trim();
  if (!/^[0-7]+$/.test(digits)) throw new Error("is damaged: the archive has an invalid header");
  return Number.parseInt(digits, 8);
}
