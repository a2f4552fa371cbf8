import { fstatSync, openSync, closeSync, statSync } from "node:fs";

/** A Unix socket's path has at most 107 bytes. This leaves room for `/.s.PGSQL.5432`. */
const maxFolderBytes = 90;
/** Maps folders to the descriptors of their short paths. */
const descriptors = new Map<string, number>();

/**
 * Returns a path of a folder that is short enough for the sockets in it. A long path is replaced by
 * one through a descriptor of this process; other processes of the user can use it while this runs.
 */
export function shortPathOf(folder: string): string {
  if (Buffer.byteLength(folder) <= maxFolderBytes) return folder;
  const descriptor = descriptorOf(folder);
  return descriptor === undefined ? folder : `/proc/${process.pid}/fd/${descriptor}`;
}

function descriptorOf(folder: string): number | undefined {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const open = descriptors.get(folder);
  if (open !== undefined) {
    const { dev, ino } = fstatSync(open);
    if (dev === found.dev && ino === found.ino) return open;
    // The path now names another folder than the one that was opened.
    closeSync(open);
  }
  const descriptor = openSync(folder, "r");
  descriptors.set(folder, descriptor);
  return descriptor;
}
