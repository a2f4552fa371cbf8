import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";

/** A PostgreSQL server that runs on a folder. */
export interface RunningServer {
  pid: number;
  uid: number;
  /** A shop started the server. */
  isOurs: boolean;
}

/**
 * Returns the server that runs on a folder, by its pid file. After a crash, the pid in the file may
 * belong to another process, so the process is checked.
 */
export function findServer(folder: string): RunningServer | undefined {
  const [line = "", path] = readIfThere(join(folder, "postmaster.pid")).split("\n");
  // PostgreSQL has not finished writing the file.
  if (path === undefined || !/^\d+$/.test(line)) return undefined;
  const pid = Number(line);
  const command = commandOf(pid);
  // Children of the server have titles like "postgres: shop orders [local] idle".
  if (!["postgres", "postmaster"].includes(basename(command[0] ?? ""))) return undefined;
  const mark = command.find((word) => word.startsWith("shop.folder="));
  const mayBeHere = mark === undefined || mark === `shop.folder=${folder}`;
  if (!(worksIn(pid, folder) ?? mayBeHere)) return undefined;
  const isOlderVersion = command.includes(folder) && command.includes("unix_socket_directories=.");
  const uid = statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
  if (uid === undefined) return undefined;
  return { pid, uid, isOurs: mark !== undefined || isOlderVersion };
}

/** Returns true if a process runs. A zombie process does not. */
export function isRunning(pid: number): boolean {
  return commandOf(pid).length > 0;
}

/** Returns the program and arguments of a process, or none if it does not exist. */
function commandOf(pid: number): string[] {
  return readIfThere(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
}

/** Returns undefined if this process has no permission to know, as root in a container. */
function worksIn(pid: number, folder: string): boolean | undefined {
  try {
    const actual = statSync(`/proc/${pid}/cwd`);
    const expected = statSync(folder);
    return actual.dev === expected.dev && actual.ino === expected.ino;
  } catch {
    return undefined;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
