import { spawn, type ChildProcess } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgresFolder } from "../../embedded/data-dir.ts";
import { eventually, generousMs } from "./eventually.ts";
import { killProcesses } from "./kill-processes.ts";
import { processTable } from "./process-table/process-table.ts";

/** A started program. */
export interface Program {
  readonly pid: number;
  /** The text of stdout and stderr so far. */
  output(): string;
  /** Waits until the output contains this text. */
  said(text: string): Promise<void>;
  /** Writes a line to stdin. */
  type(line: string): void;
  /** Ends stdin, as Ctrl-D does. */
  endInput(): void;
  /** Closes the pipes of stdout and stderr, as `head` does. */
  hangUp(): void;
  signal(signal: NodeJS.Signals): void;
  /** Waits for the end. Returns the exit status or the signal. */
  ended(withinMs?: number): Promise<number | NodeJS.Signals>;
  /** Sends SIGKILL and waits for the end. */
  killHard(): Promise<void>;
}

export interface StartOptions {
  /** The environment, besides PATH, HOME, TMPDIR and the compile cache. Nothing else is inherited. */
  env?: Record<string, string>;
  /** Its working folder; by default a new one, where no `.env` file lies. */
  cwd?: string;
  uid?: number;
  gid?: number;
}

export const projectDir = join(import.meta.dirname, "..", "..");
/** A shared compile cache: tests start programs a hundred times. */
export const compileCache = join(projectDir, "node_modules", ".cache", "compiled");

/** A larger young generation: most of what a starting program allocates is collected only once. */
export const quickStart = ["--min-semi-space-size=16"];

const children = new Set<ChildProcess>();
const folders: string[] = [];

/** Starts `commands/<name>.ts` of this project, or of a copy of it. */
export function startCommand(
  name: string,
  env: Record<string, string> = {},
  project = projectDir,
): Program {
  const args = [...quickStart, join(project, "commands", `${name}.ts`)];
  return startProgram(process.execPath, args, { env });
}

/** Starts a program. */
export function startProgram(file: string, args: string[], options: StartOptions = {}): Program {
  const { env = {}, ...user } = options;
  const home = temporaryFolder();
  const child = spawn(file, args, {
    cwd: home,
    ...user,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      TMPDIR: tmpdir(),
      NODE_COMPILE_CACHE: compileCache,
      ...env,
    },
  });
  children.add(child);
  let output = "";
  let end: number | NodeJS.Signals | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  child.on("error", (error) => (output += String(error)));
  child.on("close", (status, signal) => {
    children.delete(child);
    end = status ?? signal ?? "SIGKILL";
  });
  // The program may end before it has read all input.
  child.stdin.on("error", () => undefined);
  const label = args.at(-1)?.replace(/^.*\/commands\//, "") ?? file;
  /** Like `eventually`, but the error has the output of the program. */
  const wait = async <Result>(
    what: string,
    condition: () => Result,
    withinMs: number = generousMs,
  ) => {
    try {
      return await eventually(`${label} ${what}`, condition, { withinMs });
    } catch (error) {
      throw new Error(`${String(error)}; its output:\n${output}`, { cause: error });
    }
  };
  return {
    pid: child.pid ?? 0,
    output: () => output,
    async said(text) {
      await wait(`saying "${text}"`, () => output.includes(text) || end !== undefined);
      if (!output.includes(text)) {
        throw new Error(
          `${label} ended with ${end} without saying "${text}"; its output:\n${output}`,
        );
      }
    },
    type: (line) => child.stdin.write(`${line}\n`),
    endInput: () => child.stdin.end(),
    hangUp() {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    signal: (signal) => child.kill(signal),
    ended: (withinMs) => wait("ending", () => end, withinMs),
    async killHard() {
      child.kill("SIGKILL");
      await wait("ending", () => end);
    },
  };
}

/** Creates a folder that `cleanUp` removes. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "shop-test-"));
  folders.push(folder);
  return folder;
}

/** The folders and files that a running shop needs. */
const productParts = [
  "broker",
  "commands",
  "config",
  "core",
  "database",
  "embedded",
  "event-log",
  "middlewares",
  "mixins",
  "services",
  "moleculer.config.ts",
  "package.json",
];

/** Folders that no copy of the project needs. */
const leftOut = new Set(["node_modules", ".git", "data", "coverage"]);

/**
 * Makes a copy of the project whose files a test may edit: of what a running shop needs, or of the
 * whole project.
 */
export function copyOfProject({ isWhole = false } = {}): string {
  const copy = temporaryFolder();
  const parts = isWhole
    ? readdirSync(projectDir).filter((name) => !leftOut.has(name))
    : productParts;
  for (const part of parts) {
    cpSync(join(projectDir, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(projectDir, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Ends every started program and removes every temporary folder. For `afterAll`. */
export async function cleanUp(): Promise<void> {
  for (const child of children) child.kill("SIGKILL");
  for (const folder of folders) {
    await killProcesses(() => processTable.workingIn(folder));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns all processes of the PostgreSQL of a data directory, by their working folder. */
export function postgresPids(dataDir: string): number[] {
  return processTable.workingIn(postgresFolder(dataDir));
}

/** Returns the pid of the postmaster, the parent of all processes of PostgreSQL. */
export function postmasterPid(dataDir: string): number {
  return Number(readFileSync(join(dataDir, "postgres", "postmaster.pid"), "utf8").split("\n")[0]);
}

/** Below the ephemeral ports of the system, which other connections may take at any time. */
const firstPort = 20_000;
const ports = 12_000;
let portsTried = Math.floor(Math.random() * ports);

/**
 * Returns a free TCP port of this machine. No other process gets it from this function, also before a
 * program listens on it: this process keeps the UDP port of the same number until it ends.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    portsTried += 1;
    const port = firstPort + (portsTried % ports);
    const reservation = await reserve(port);
    if (reservation === undefined) continue;
    if (await isFree(port)) return port;
    reservation.close();
  }
}

function reserve(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4").unref();
    socket.once("error", () => {
      resolve(undefined);
    });
    socket.bind(port, "127.0.0.1", () => {
      resolve(socket);
    });
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(false);
    });
    server.listen(port, "127.0.0.1", () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
