import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { LoadOptions, Measured } from "./load.ts";

/** Runs the load generator in a process of its own, so that it does not share a thread with the shop. */
export class LoadProcess {
  readonly #child: ChildProcess = fork(join(import.meta.dirname, "generator.ts"));

  /** Runs one load. Throws when a response was wrong. */
  async run(load: LoadOptions): Promise<Measured> {
    const resultMessage = once(this.#child, "message") as Promise<[Measured | { error: string }]>;
    this.#child.send(load);
    const [result] = await resultMessage;
    if ("error" in result) throw new Error(result.error);
    return result;
  }

  stop(): void {
    this.#child.kill();
  }
}
