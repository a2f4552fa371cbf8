import { rmSync, type Stats } from "node:fs";
import { open, rename, stat } from "node:fs/promises";
import { fileError } from "./file-error.ts";

/** Where an export writes to. Its methods throw StartError if that is impossible. */
export interface ExportTarget {
  write: (text: string) => Promise<void>;
  complete: () => Promise<void>;
  /** Removes what an incomplete export has written. Does nothing after `complete`. */
  discard: () => void;
}

/**
 * Creates a file for an export. It gets its name when it is complete, so that an interrupted export
 * leaves the old file. Throws StartError if it cannot be created.
 */
export async function exportFile(file: string): Promise<ExportTarget> {
  const use = async <Result>(attempt: () => Promise<Result>): Promise<Result> => {
    try {
      return await attempt();
    } catch (error) {
      throw fileError(file, "written", error);
    }
  };
  const path = isReplaceable(await statusOf(file)) ? `${file}.partial` : file;
  const handle = await use(() => open(path, "w"));
  let isOpen = true;
  return {
    write: (text) => use(() => handle.writeFile(text)),
    complete: () =>
      use(async () => {
        await handle.close();
        if (path !== file) await rename(path, file);
        isOpen = false;
      }),
    discard() {
      if (!isOpen) return;
      isOpen = false;
      // The content is not needed, and the error of its write is reported.
      handle.close().catch(() => undefined);
      if (path !== file) rmSync(path, { force: true });
    },
  };
}

/** Returns undefined for a file that does not exist, or whose folder cannot be read. */
async function statusOf(file: string): Promise<Stats | undefined> {
  return stat(file).catch(() => undefined);
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
