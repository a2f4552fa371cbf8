import { spawn, type ChildProcess } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../core/command-error.ts";
import type { Platform } from "./platform/interface.ts";
import { folderSetting } from "./postgres-process.ts";
import type { RunAs } from "./postgres-user.ts";

/** The superuser. It has no password: only a user that can enter the folder reaches the socket. */
export const superuser = "shop";
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const stopWithinMs = 30_000;
const pollMs = 20;
/** Larger than any pid of Linux. */
const unusedPid = 99_999_999;

/** Starts a program of PostgreSQL on a folder. */
export function runOn(
  platform: Platform,
  file: string,
  folder: string,
  user: RunAs,
  errors: "pipe" | number,
  args: string[],
): ChildProcess {
  const descriptor = openSync(folder, "r");
  try {
    return spawn(file, ["-D", platform.inheritedPathOf(folder), ...args], {
      ...user,
      cwd: "/",
      env: { PATH: systemPath, LC_ALL: "C" },
      stdio: ["ignore", errors === "pipe" ? "ignore" : errors, errors, descriptor],
      // The terminal's Ctrl-C must reach only the shop, which then stops its server.
      detached: true,
    });
  } finally {
    closeSync(descriptor);
  }
}

/** The arguments of initdb. */
export const initdbArguments = [
  "-U",
  superuser,
  "--auth=trust",
  "--encoding=UTF8",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
  "--locale=C",
  "--no-instructions",
];

/** Returns the arguments of a server on a folder. Its socket is in the folder, and it has no port. */
export function serverArguments(folder: string, maxConnections: number): string[] {
  const settings = [
    // Identifies this server, and a shop as its owner, in the list of processes.
    folderSetting(folder),
    "listen_addresses=",
    // The data folder itself, which no other user can enter.
    "unix_socket_directories=.",
    "unix_socket_permissions=0700",
    `max_connections=${maxConnections}`,
    // The log must not contain personal data, e.g. the values of a violated constraint.
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
  ];
  return settings.flatMap((setting) => ["-c", setting]);
}

/**
 * Replaces the pid that a crash left in the lock files: PostgreSQL does not start while any process
 * has this pid. postmaster.pid stays: by its other lines PostgreSQL finds running children of the
 * old server.
 */
export function replacePid(folder: string): void {
  rmSync(join(folder, ".s.PGSQL.5432.lock"), { force: true });
  const file = join(folder, "postmaster.pid");
  if (!existsSync(file)) return;
  const text = readFileSync(file, "utf8").replace(/^\d+/, String(unusedPid));
  const flag = constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW;
  writeFileSync(file, text, { flag } as unknown as { flag: string });
}

/** Moves the log that version 1.0 wrote into the data folder. */
export function moveOlderLog(folder: string, file: string): void {
  const older = join(folder, "server.log");
  if (lstatSync(older, { throwIfNoEntry: false })?.isFile() === true) renameSync(older, file);
}

/** Opens the log of a server. Returns its file descriptor. */
export function openLog(file: string): number {
  // Another user may own the data directory, and could replace the log by a link, which root would follow.
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  return openSync(file, flags, 0o600);
}

/** Reads the text of a log after an offset. */
export function textAfter(log: number, offset: number): string {
  const written = Buffer.alloc(Math.max(0, Math.min(fstatSync(log).size - offset, 65_536)));
  readSync(log, written, 0, written.length, offset);
  return written.toString("utf8");
}

/** Returns the first error in the output of a program; later errors are consequences. */
export function firstErrorIn(output: string, folder: string, platform: Platform): string {
  const lines = output.split("\n").map((line) => line.trim());
  const worst =
    // Clients that connect too early cause a FATAL line, too.
    lines.find((line) => /\b(FATAL|PANIC):(?! +the database system is)/.test(line)) ??
    lines.find((line) => line.includes("error:")) ??
    lines.findLast((line) => line !== "");
  return (worst ?? "")
    .replace(/^.*?\b(FATAL|PANIC|error): */, "")
    .replaceAll(platform.inheritedPathOf(folder), "the folder");
}

/** Ends a server: connections are closed, committed data are safe. Throws CommandError. */
export async function endServer(pid: number, platform: Platform): Promise<void> {
  // SIGINT is a fast shutdown. SIGQUIT is an immediate one, after which the next start recovers.
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    sendSignal(pid, signal);
    const deadlineMs = performance.now() + stopWithinMs;
    while (performance.now() < deadlineMs) {
      if (!platform.isRunning(pid)) return;
      await sleep(pollMs);
    }
  }
  throw new CommandError(`PostgreSQL, with the process id ${pid}, does not end.`);
}

/** Sends a signal to a process, or with a negative id to its group. It may have ended. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The process has ended.
  }
}
