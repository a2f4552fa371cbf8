import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { descriptionText, type BackupDescription } from "../../embedded/backup/backup-folder.ts";

/** Contents by path; a path that ends with a slash is a folder. */
type Contents = Record<string, string>;

const sampleContents: Contents = {
  PG_VERSION: "18\n",
  "base/": "",
  "base/1/": "",
  "base/1/1255": "rows of a table".repeat(100),
  "global/pg_control": "",
  "./pg_wal/": "",
  "pg_wal/000000010000000000000001": "WAL",
};

/** Returns an archive in the format ustar. */
function archiveOf(contents: Contents): Buffer {
  const entries = Object.entries(contents).flatMap(([path, text]) => {
    const content = Buffer.from(text);
    const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
    return [headerOf(path, content.length), content, padding];
  });
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}

function headerOf(path: string, bytes: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(path, 0);
  header.write(bytes.toString(8).padStart(11, "0"), 124);
  header.write(path.endsWith("/") ? "5" : "0", 156);
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** Writes a complete backup with small contents. Parts of the description can be replaced. */
export function writeBackup(
  folder: string,
  replaced: Partial<BackupDescription> = {},
  contents = sampleContents,
): void {
  const archive = archiveOf(contents);
  const listed = Object.entries(sampleContents).filter(([path]) => !/\/$|^pg_wal/.test(path));
  const files = listed.map(([path, text]) => {
    const bytes = Buffer.from(text);
    // PostgreSQL writes a path that is not valid UTF-8 in hexadecimal digits.
    const name =
      path === "PG_VERSION"
        ? { "Encoded-Path": Buffer.from(path).toString("hex") }
        : { Path: path };
    return { ...name, Size: bytes.length, Checksum: sha256(bytes) };
  });
  const manifest = Buffer.from(JSON.stringify({ Files: files }));
  mkdirSync(folder);
  writeFileSync(join(folder, "base.tar"), archive);
  writeFileSync(join(folder, "backup_manifest"), manifest);
  const description = descriptionText({
    dataDir: "/srv/shop/data",
    systemIdentifier: "7713394486734831530",
    postgresVersion: "18.4",
    startedAt: "2026-11-29T01:00:00.000Z",
    endedAt: "2026-11-29T01:00:02.000Z",
    files: {
      "base.tar": { bytes: archive.length, sha256: sha256(archive) },
      backup_manifest: { bytes: manifest.length, sha256: sha256(manifest) },
    },
    ...replaced,
  });
  writeFileSync(join(folder, "backup.json"), description);
}
