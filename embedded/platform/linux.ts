import {
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
} from "node:fs";
import { basename, join } from "node:path";
import type { Platform } from "./interface.ts";

/** A Unix socket's path has at most 107 bytes. This leaves room for `/.s.PGSQL.5432`. */
const maxFolderBytes = 90;
/** Maps folders to the descriptors of their short paths. */
const descriptors = new Map<string, number>();

export const linux: Platform = {
  canRunAsOtherUser: true,

  findProcess(pid) {
    const [program, ...words] = commandOf(pid);
    const uid = statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
    if (program === undefined || uid === undefined) return undefined;
    const argumentsText = ["", ...words, ""].join("\0");
    return { uid, program: basename(program), argumentsText, separator: "\0" };
  },

  isRunning(pid) {
    return commandOf(pid).length > 0;
  },

  /** Root in a container may have no permission. */
  worksIn(pid, folder) {
    try {
      const actual = statSync(`/proc/${pid}/cwd`);
      const expected = statSync(folder);
      return actual.dev === expected.dev && actual.ino === expected.ino;
    } catch {
      return undefined;
    }
  },

  busyUids() {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    const uids = pids.map((pid) => lstatSync(join("/proc", pid), { throwIfNoEntry: false })?.uid);
    return new Set(uids.filter((uid) => uid !== undefined));
  },

  /**
   * The path of the folder may be too long for PostgreSQL's programs, contain special characters of
   * initdb's shell, or lead through folders that their user cannot enter.
   */
  inheritedPathOf: () => "/proc/self/fd/3",

  /** A long path is replaced by one through a descriptor of this process. */
  shortPathOf(folder) {
    if (Buffer.byteLength(folder) <= maxFolderBytes) return folder;
    const descriptor = descriptorOf(folder);
    return descriptor === undefined ? folder : `/proc/${process.pid}/fd/${descriptor}`;
  },
};

/** Returns the program and arguments of a process, or none if it does not exist. */
function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
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
