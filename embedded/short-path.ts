import { fstatSync, openSync, closeSync, statSync } from "node:fs";

/** A Unix socket's path ends at 107 bytes; this leaves room for `/.s.PGSQL.5432`. */
const maxFolderBytes = 90;
/** Folder -> the descriptor by which its short path goes. */
const descriptors = new Map<string, number>();

/**
 * A path of this folder that is short enough for the sockets in it. A long one goes through a
 * descriptor of this process, which other processes of the same user can use as long as it runs.
 */
export function shortPathOf(folder: string): string {
  if (Buffer.byteLength(folder) <= maxFolderBytes) return folder;
  const descriptor = descriptorOf(folder);
  return descriptor === undefined ? folder : `/proc/${process.pid}/fd/${descriptor}`;
}

function descriptorOf(folder: string): number | undefined {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const known = descriptors.get(folder);
  if (known !== undefined) {
    const { dev, ino } = fstatSync(known);
    if (dev === found.dev && ino === found.ino) return known;
    // Another folder has taken the place of the one that was opened.
    closeSync(known);
  }
  const descriptor = openSync(folder, "r");
  descriptors.set(folder, descriptor);
  return descriptor;
}
