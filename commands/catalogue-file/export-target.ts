import { randomBytes } from "node:crypto";
import { rmSync, type Stats } from "node:fs";
import { lstat, open, realpath, rename, stat } from "node:fs/promises";
import { CommandError } from "../../core/command-error.ts";
import { fileError } from "./file-error.ts";

/** Where an export writes to. Its methods throw CommandError if that is impossible. */
export interface ExportTarget {
  write: (text: string) => Promise<void>;
  complete: () => Promise<void>;
  /** Removes what an incomplete export has written. Does nothing after `complete`. */
  discard: () => void;
}

/**
 * Creates a file for an export. It gets its name when it is complete, so that an interrupted export
 * leaves the old file. A symbolic link stays, and its target is replaced. Throws CommandError if the
 * file cannot be created.
 */
export async function exportFile(file: string): Promise<ExportTarget> {
  const use = async <Result>(attempt: () => Promise<Result>): Promise<Result> => {
    try {
      return await attempt();
    } catch (error) {
      throw fileError(file, "written", error);
    }
  };
  const existing = await statusOf(file);
  const target = existing === undefined ? file : await use(() => realpath(file));
  if (existing === undefined) await assertNoLink(file);
  // Another export of the file has another name, and nobody can have put a link there: "wx" neither
  // opens an existing file nor follows a link.
  const path = isReplaceable(existing)
    ? `${target}.${randomBytes(4).toString("hex")}.partial`
    : target;
  const handle = await use(() => open(path, path === target ? "w" : "wx"));
  let isOpen = true;
  return {
    write: (text) => use(() => handle.writeFile(text)),
    complete: () =>
      use(async () => {
        if (path !== target) {
          if (existing !== undefined) await handle.chmod(existing.mode & 0o777);
          await handle.sync();
        }
        await handle.close();
        if (path !== target) await rename(path, target);
        isOpen = false;
      }),
    discard() {
      if (!isOpen) return;
      isOpen = false;
      // The content is not needed, and the error of its write is reported.
      handle.close().catch(() => undefined);
      if (path !== target) rmSync(path, { force: true });
    },
  };
}

/** Returns undefined for a file that does not exist, or whose folder cannot be read. */
async function statusOf(file: string): Promise<Stats | undefined> {
  return stat(file).catch(() => undefined);
}

/** Throws CommandError for a link whose target does not exist: a rename would replace the link. */
async function assertNoLink(file: string): Promise<void> {
  const entry = await lstat(file).catch(() => undefined);
  if (entry?.isSymbolicLink() !== true) return;
  throw new CommandError(
    `${file} cannot be written: it is a symbolic link to a file that does not exist.`,
  );
}

/** A device or a pipe is written to as it is. A folder must fail before the export, not after it. */
function isReplaceable(existing: Stats | undefined): boolean {
  return existing?.isFile() ?? true;
}

/** Standard output. A write waits while the reader is slower. */
export const standardOutput: ExportTarget = {
  write: (text) =>
    new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => {
        if (error) reject(fileError("Standard output", "written", error));
        else resolve();
      });
    }),
  complete: async () => undefined,
  discard: () => undefined,
};
