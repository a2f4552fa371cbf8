import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../core/command-error.ts";
import type { Platform } from "./platform/interface.ts";
import type { RunAs } from "./postgres-user.ts";

/** The superuser. It has no password: only a user that can enter the folder reaches the socket. */
export const superuser = "shop";
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const stopWithinMs = 30_000;
const pollMs = 20;

interface ProgramOptions {
  platform: Platform;
  /** The path of the program. */
  program: string;
  runAs: RunAs;
  args: readonly string[];
  /** A file descriptor for the output, or a pipe for the errors alone. */
  output: "pipe" | number;
}

/** Starts a program of PostgreSQL on a folder. */
export function runOn(folder: string, options: ProgramOptions): ChildProcess {
  const { platform, program, runAs, args, output } = options;
  const descriptor = openSync(folder, "r");
  try {
    return spawn(program, ["-D", platform.inheritedPathOf(folder), ...args], {
      ...runAs,
      cwd: "/",
      env: { PATH: systemPath, LC_ALL: "C" },
      stdio: ["ignore", output === "pipe" ? "ignore" : output, output, descriptor],
      // The terminal's Ctrl-C must reach only the shop, which then stops its server.
      detached: true,
    });
  } finally {
    closeSync(descriptor);
  }
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

/** Returns what to do about a full disk, as a further sentence; nothing for another error. */
export function adviceOn(message: string): string {
  const isFull = /no space left|quota exceeded/i.test(message);
  return isFull ? " Free disk space, or set DATA_DIR to a folder on another disk." : "";
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
