import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";

/** A PostgreSQL that runs on a folder. */
export interface RunningServer {
  pid: number;
  uid: number;
  /** Whether a shop has started it. */
  isOurs: boolean;
}

/**
 * The server that runs on a folder, by its pid file. One that a crash has left behind may by now
 * name somebody else's process.
 */
export function findServer(folder: string): RunningServer | undefined {
  const [line = "", path] = readIfThere(join(folder, "postmaster.pid")).split("\n");
  // Not written to its end yet.
  if (path === undefined || !/^\d+$/.test(line)) return undefined;
  const pid = Number(line);
  const command = commandOf(pid);
  // Its children have titles instead, like "postgres: shop orders [local] idle".
  if (!["postgres", "postmaster"].includes(basename(command[0] ?? ""))) return undefined;
  const marked = command.find((word) => word.startsWith("shop.folder="));
  const isMarkedHere = marked === undefined || marked === `shop.folder=${folder}`;
  if (!(worksIn(pid, folder) ?? isMarkedHere)) return undefined;
  const isOlder = command.includes(folder) && command.includes("unix_socket_directories=.");
  const uid = statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
  if (uid === undefined) return undefined;
  return { pid, uid, isOurs: marked !== undefined || isOlder };
}

/** Whether a process is at work; one that has ended and that nobody has waited for is not. */
export function isRunning(pid: number): boolean {
  return commandOf(pid).length > 0;
}

/** Its program and arguments; empty where there is none. */
function commandOf(pid: number): string[] {
  return readIfThere(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
}

/** Undefined where this process has no right to know, as root in a container. */
function worksIn(pid: number, folder: string): boolean | undefined {
  try {
    const works = statSync(`/proc/${pid}/cwd`);
    const wanted = statSync(folder);
    return works.dev === wanted.dev && works.ino === wanted.ino;
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
