import { spawn, type ChildProcess, type Serializable } from "node:child_process";
import { openSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { compileCache } from "../../support/processes.ts";

export interface ChildOptions {
  file: string;
  args: string[];
  /** The whole environment; nothing is inherited. */
  env: Record<string, string>;
  /** The working folder. */
  folder: string;
  /** The output is appended to this file. */
  logFile: string;
  /** Opens an IPC channel. */
  onMessage?: (message: unknown) => void;
}

/** A child process that ends with this process. */
export class Child {
  readonly pid: number;
  /** Resolves with the exit status or the signal when the process has ended. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #process: ChildProcess;

  constructor({ file, args, env, folder, logFile, onMessage }: ChildOptions) {
    const log = openSync(logFile, "a");
    const channel = onMessage === undefined ? [] : ["ipc" as const];
    this.#process = spawn(file, args, {
      cwd: folder,
      // Marks the process as part of the run folder, which ends it with the run.
      env: { ...env, TMPDIR: tmpdir(), NODE_COMPILE_CACHE: compileCache },
      stdio: ["ignore", log, log, ...channel],
    });
    closeSync(log);
    this.pid = this.#process.pid ?? 0;
    running.add(this.#process);
    if (onMessage !== undefined) this.#process.on("message", onMessage);
    this.ended = new Promise((resolve) => {
      this.#process.once("error", () => {
        resolve("SIGKILL");
      });
      this.#process.once("exit", (status, signal) => {
        running.delete(this.#process);
        resolve(status ?? signal ?? "SIGKILL");
      });
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Sends a message, which is lost if the process has ended. */
  send(message: Serializable): void {
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }
}

const running = new Set<ChildProcess>();

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
