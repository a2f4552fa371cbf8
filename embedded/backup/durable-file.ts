import { createHash } from "node:crypto";
import { closeSync, constants, fsyncSync, openSync, writeSync } from "node:fs";
import type { FileDigest } from "./backup-folder.ts";

/** A new file, closed to other users, whose content is on the disk when it is complete. */
export class DurableFile {
  readonly #descriptor: number;
  readonly #hash = createHash("sha256");
  #bytes = 0;
  #isOpen = true;

  constructor(path: string) {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    this.#descriptor = openSync(path, flags, 0o600);
  }

  write(bytes: Buffer): void {
    // A write to a disk that is nearly full writes a part; the next one fails.
    for (let written = 0; written < bytes.length;) {
      written += writeSync(this.#descriptor, bytes, written);
    }
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
  }

  /** Writes the content to the disk, and closes the file. */
  complete(): FileDigest {
    fsyncSync(this.#descriptor);
    this.close();
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }

  /** Closes the file, unless it is closed. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#descriptor);
  }
}
