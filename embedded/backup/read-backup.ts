import { createHash, type Hash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  archiveName,
  manifestName,
  type BackupDescription,
  type FileDigest,
} from "./backup-folder.ts";
import { TarReader, type TarEntry, type TarVisitor } from "./tar-reader.ts";

const chunkBytes = 1024 * 1024;

/** Takes what `readBackup` reads. */
export interface BackupVisitor {
  entries?: TarVisitor;
  /** The read part of the archive, from 0 to 1. */
  progress?: (share: number) => void;
}

/**
 * Reads a backup and compares it with its checksums: the files of the folder with backup.json, and
 * the files of the archive with PostgreSQL's manifest. Throws an Error whose message is a predicate of
 * the backup.
 */
export async function readBackup(
  folder: string,
  { files }: BackupDescription,
  { entries, progress }: BackupVisitor,
  signal: AbortSignal,
): Promise<void> {
  const manifest = readFileSync(join(folder, manifestName));
  expectDigest(
    manifestName,
    files[manifestName],
    manifest.length,
    createHash("sha256").update(manifest),
  );
  const check = new ManifestCheck(expectedFiles(manifest), entries);
  const tar = new TarReader(check);
  const hash = createHash("sha256");
  const expected = files[archiveName];
  let bytes = 0;
  const options = { highWaterMark: chunkBytes, signal };
  for await (const chunk of createReadStream(join(folder, archiveName), options)) {
    const part = chunk as Buffer;
    hash.update(part);
    tar.write(part);
    bytes += part.length;
    progress?.(bytes / expected.bytes);
  }
  expectDigest(archiveName, expected, bytes, hash);
  tar.end();
  check.complete();
}

function expectDigest(name: string, expected: FileDigest, bytes: number, hash: Hash): void {
  if (bytes === expected.bytes && hash.digest("hex") === expected.sha256) return;
  throw new Error(`is damaged: ${name} does not have the checksum in its backup.json`);
}

/** The parts of PostgreSQL's manifest that are needed ("Backup Manifest Format" of its manual). */
interface Manifest {
  Files: { Path?: string; "Encoded-Path"?: string; Size: number; Checksum: string }[];
}

/** Returns the files of the manifest by path. */
function expectedFiles(manifest: Buffer): Map<string, FileDigest> {
  const { Files: files } = JSON.parse(manifest.toString("utf8")) as Manifest;
  return new Map(
    files.map((file) => {
      // A path that is not valid UTF-8 is in hexadecimal digits.
      const path = file.Path ?? Buffer.from(file["Encoded-Path"] ?? "", "hex").toString("utf8");
      return [path, { bytes: file.Size, sha256: file.Checksum }];
    }),
  );
}

/** Compares the files of an archive with the manifest, and passes them on. */
class ManifestCheck implements TarVisitor {
  readonly #missing: Map<string, FileDigest>;
  readonly #next: TarVisitor | undefined;
  #path = "";
  #expected: FileDigest | undefined;
  #hash: Hash | undefined;

  constructor(expected: Map<string, FileDigest>, next: TarVisitor | undefined) {
    this.#missing = expected;
    this.#next = next;
  }

  begin(entry: TarEntry): void {
    const { path, type, bytes } = entry;
    this.#path = path;
    this.#expected = this.#missing.get(path);
    this.#missing.delete(path);
    this.#hash = this.#expected && createHash("sha256");
    // The manifest does not list WAL, which has checksums of its own.
    const isUnlisted = type === "folder" || path.startsWith("pg_wal/");
    if (this.#expected === undefined ? !isUnlisted : this.#expected.bytes !== bytes) {
      throw new Error(`is damaged: ${path} in ${archiveName} differs from ${manifestName}`);
    }
    this.#next?.begin(entry);
  }

  content(bytes: Buffer): void {
    this.#hash?.update(bytes);
    this.#next?.content(bytes);
  }

  end(): void {
    if (this.#hash !== undefined && this.#hash.digest("hex") !== this.#expected?.sha256) {
      throw new Error(`is damaged: ${this.#path} in ${archiveName} differs from ${manifestName}`);
    }
    this.#next?.end();
  }

  /** Throws an Error if a file of the manifest was not in the archive. */
  complete(): void {
    const [path] = this.#missing.keys();
    if (path !== undefined) throw new Error(`is damaged: ${path} is missing in ${archiveName}`);
  }
}
