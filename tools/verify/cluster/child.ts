import { spawn, type ChildProcess, type Serializable } from "node:child_process";
import { openSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { compileCache } from "../../support/processes.ts";

export interface ChildOptions {
  file: string;
  args: string[];
  /** All its environment: nothing of ours is handed on. */
  env: Record<string, string>;
  /** Its working folder. */
  folder: string;
  /** Where its output goes, behind what is there. */
  logFile: string;
  /** Opens a channel for messages. */
  onMessage?: (message: unknown) => void;
}

/** A process of ours: it ends when we end. */
export class Child {
  readonly pid: number;
  /** Settled when it has ended, with its exit status or the signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #process: ChildProcess;

  constructor({ file, args, env, folder, logFile, onMessage }: ChildOptions) {
    const log = openSync(logFile, "a");
    const channel = onMessage === undefined ? [] : ["ipc" as const];
    this.#process = spawn(file, args, {
      cwd: folder,
      // Tells whose it is, so that it ends with the run.
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

  /** A message to it; lost when it has ended. */
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
