import { spawn, type ChildProcess } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, generousMs } from "./eventually.ts";

/** A program that a test has started. */
export interface Program {
  readonly pid: number;
  /** Everything it has written, to both streams. */
  output(): string;
  /** Waits until its output holds this text. */
  said(text: string): Promise<void>;
  /** Sends a line to its standard input. */
  type(line: string): void;
  /** Ends its standard input, as Ctrl-D does. */
  endInput(): void;
  /** Reads none of its output any more, as `head` does. */
  hangUp(): void;
  signal(signal: NodeJS.Signals): void;
  /** Waits for its end, and gives its exit status, or the signal that ended it. */
  ended(withinMs?: number): Promise<number | NodeJS.Signals>;
  /** kill -9, and waits for its end. */
  killHard(): Promise<void>;
}

export interface StartOptions {
  /** All its environment besides PATH, HOME, TMPDIR and Node's cache: nothing of the test's own. */
  env?: Record<string, string>;
  /** Its working folder; by default a new one, where no `.env` file lies. */
  cwd?: string;
  uid?: number;
  gid?: number;
}

export const projectDir = join(import.meta.dirname, "..", "..");
/** Programs that are started a hundred times load faster; the folder for temporary files stays empty. */
export const compileCache = join(projectDir, "node_modules", ".cache", "compiled");

const children = new Set<ChildProcess>();
const folders: string[] = [];

/** Starts `commands/<name>.ts` of this project, or of a copy of it. */
export function startCommand(
  name: string,
  env: Record<string, string> = {},
  project = projectDir,
): Program {
  return startProgram(process.execPath, [join(project, "commands", `${name}.ts`)], { env });
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
  // It may end before it has read all that is typed.
  child.stdin.on("error", () => undefined);
  const label = args.at(-1)?.replace(/^.*\/commands\//, "") ?? file;
  /** As `eventually`, with the output where it does not happen. */
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
      await wait(`saying "${text}"`, () => output.includes(text));
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

/** A folder that is removed by `cleanUp`. */
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

/** For each file's `afterAll`: ends every program it has started and removes its folders. */
export async function cleanUp(): Promise<void> {
  for (const child of children) child.kill("SIGKILL");
  for (const folder of folders) {
    await eventually("the end of all that was started", () => {
      killHard(pidsIn(folder));
      return pidsIn(folder).length === 0;
    });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** kill -9 of processes, of which some may go with others. */
export function killHard(pids: number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It is gone already.
    }
  }
}

/** Every process of the PostgreSQL of a data directory: its folder is where all of them are. */
export function postgresPids(dataDir: string): number[] {
  return pidsIn(join(dataDir, "postgres"));
}

/** All processes whose working folder is this one, or lies in it. */
function pidsIn(folder: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => `${workingFolder(pid)}/`.startsWith(`${folder}/`))
    .map(Number);
}

/** The pid of the server itself, which is the parent of its other processes. */
export function postmasterPid(dataDir: string): number {
  return Number(readFileSync(join(dataDir, "postgres", "postmaster.pid"), "utf8").split("\n")[0]);
}

function workingFolder(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    // It has ended, or is somebody else's.
    return "";
  }
}

/** A TCP port of this machine on which nobody listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    // Below those that the system gives to outgoing connections, and to whoever asks for any.
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
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
