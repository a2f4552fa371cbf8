import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Platform } from "./platform/interface.ts";
import { platform as thisPlatform } from "./platform/platform.ts";

/** A PostgreSQL server that runs on a folder. */
export interface RunningServer {
  pid: number;
  uid: number;
  /** A shop started the server. */
  isOurs: boolean;
}

/**
 * The setting that identifies a server, and a shop as its owner, in the list of processes. `ps`
 * separates arguments by spaces, and replaces characters that its locale does not have.
 */
export function folderSetting(folder: string): string {
  return `shop.folder=${encodeURIComponent(folder)}`;
}

/**
 * Returns the server that runs on a folder, by its pid file. After a crash, the pid in the file may
 * belong to another process, so the process is checked.
 */
export function findServer(
  folder: string,
  platform: Platform = thisPlatform,
): RunningServer | undefined {
  const [line = "", path] = readIfThere(join(folder, "postmaster.pid")).split("\n");
  // PostgreSQL has not finished writing the file.
  if (path === undefined || !/^\d+$/.test(line)) return undefined;
  const pid = Number(line);
  const found = platform.findProcess(pid);
  // Children of the server have titles like "postgres: shop orders [local] idle".
  if (found === undefined || !["postgres", "postmaster"].includes(found.program)) return undefined;
  const { uid, argumentsText, separator } = found;
  const has = (word: string) => argumentsText.includes(`${separator}${word}${separator}`);
  const isMarked = argumentsText.includes(`${separator}${folderSetting("")}`);
  const mayBeHere = !isMarked || has(folderSetting(folder));
  if (!(platform.worksIn(pid, folder) ?? mayBeHere)) return undefined;
  const isOlderVersion = has(folder) && has("unix_socket_directories=.");
  return { pid, uid, isOurs: isMarked || isOlderVersion };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
