import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Platform } from "./interface.ts";

/** The programs and folders of macOS; tests replace them. */
export interface DarwinSystem {
  /** Runs a program. Returns its output, or undefined if it fails. */
  run: (program: string, args: readonly string[]) => string | undefined;
  /** Folders for temporary files, the preferred one first. */
  temporaryFolders: readonly string[];
}

const realSystem: DarwinSystem = {
  run(program, args) {
    const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
    return status === 0 ? stdout : undefined;
  },
  temporaryFolders: [tmpdir(), "/tmp"],
};

/** A Unix socket's path has at most 103 bytes. */
const maxSocketPathBytes = 103;
/** The longest name of a socket in a folder. */
const socketName = "/.s.PGSQL.5432";
/** The program and its arguments; a child of PostgreSQL has a title like `postgres: shop orders`. */
const commandForm = /^(?<program>(?:.*?\/)?[^/:]+?)(?<words> -\w(?: .*)?)?$/s;

/** macOS has no `/proc`: `ps` and `lsof` describe processes, and symbolic links shorten paths. */
export function darwin({ run, temporaryFolders }: DarwinSystem = realSystem): Platform {
  return {
    canRunAsOtherUser: false,

    findProcess(pid) {
      const line = run("/bin/ps", ["-ww", "-o", "uid=,command=", "-p", String(pid)]);
      const found = /^\s*(?<uid>\d+) (?<command>.+?)\s*$/s.exec(line ?? "")?.groups;
      const { program = "", words = "" } = commandForm.exec(found?.command ?? "")?.groups ?? {};
      if (found === undefined || program === "") return undefined;
      return {
        uid: Number(found.uid),
        program: program.replace(/^.*\//s, ""),
        argumentsText: `${words} `,
        separator: " ",
      };
    },

    /** A server is no child of this process for long: the system removes its zombie. */
    isRunning(pid) {
      try {
        process.kill(pid, 0);
        return true;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EPERM";
      }
    },

    worksIn(pid, folder) {
      const listed = run("/usr/sbin/lsof", ["-a", "-p", String(pid), "-d", "cwd", "-F", "n"]);
      const actualPath = /^n(\/.*)$/m.exec(listed ?? "")?.[1];
      const actual = actualPath && statSync(actualPath, { throwIfNoEntry: false });
      const expected = statSync(folder, { throwIfNoEntry: false });
      if (!actual || expected === undefined) return undefined;
      return actual.dev === expected.dev && actual.ino === expected.ino;
    },

    busyUids: () => new Set(),

    /** There is no path through a descriptor of a directory. */
    inheritedPathOf: (folder) => folder,

    shortPathOf: shortPathsBelow(temporaryFolders),
  };
}

function isShort(folder: string): boolean {
  return Buffer.byteLength(folder) + Buffer.byteLength(socketName) <= maxSocketPathBytes;
}

/** Returns a function that replaces a long path by that of a symbolic link in a temporary folder. */
function shortPathsBelow(temporaryFolders: readonly string[]): Platform["shortPathOf"] {
  /** Maps folders to the symbolic links that lead to them. */
  const links = new Map<string, string>();
  return (folder) => {
    if (isShort(folder)) return folder;
    const link = links.get(folder) ?? makeLink(folder, temporaryFolders);
    links.set(folder, link);
    return link;
  };
}

/** Makes a link until the end of the process. Other users cannot replace it: its folder is private. */
function makeLink(folder: string, temporaryFolders: readonly string[]): string {
  const parent = temporaryFolders.find((each) => isShort(join(each, "shop-XXXXXX", "d")));
  if (parent === undefined) return folder;
  const privateFolder = mkdtempSync(join(parent, "shop-"));
  const link = join(privateFolder, "d");
  symlinkSync(folder, link);
  process.once("exit", () => {
    rmSync(privateFolder, { recursive: true, force: true });
  });
  return link;
}
