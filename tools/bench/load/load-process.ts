import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { LoadOptions, Measured } from "./load.ts";

/** The load generator, in a process beside what it measures. */
export class LoadProcess {
  readonly #child: ChildProcess = fork(join(import.meta.dirname, "generator.ts"));

  /** Runs one load, and gives what came of it. Throws when an answer was wrong. */
  async run(load: LoadOptions): Promise<Measured> {
    const answered = once(this.#child, "message") as Promise<[Measured | { error: string }]>;
    this.#child.send(load);
    const [result] = await answered;
    if ("error" in result) throw new Error(result.error);
    return result;
  }

  stop(): void {
    this.#child.kill();
  }
}
