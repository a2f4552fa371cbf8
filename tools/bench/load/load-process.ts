import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { LoadOptions, Measured } from "./load.ts";

/** Runs the load generator in a process of its own, so that it does not share a thread with the shop. */
export class LoadProcess {
  #child: ChildProcess | undefined;

  /** Runs one load. Throws when a response was wrong or missing. */
  async run(load: LoadOptions): Promise<Measured> {
    const child = (this.#child ??= fork(join(import.meta.dirname, "generator.ts")));
    const result = await new Promise<Measured | { error: string }>((resolve, reject) => {
      const ended = () => {
        // The next load starts another process.
        this.#child = undefined;
        reject(new Error("the load generator has ended"));
      };
      child.once("exit", ended);
      child.once("message", (message: Measured | { error: string }) => {
        child.off("exit", ended);
        resolve(message);
      });
      child.send(load);
    });
    if ("error" in result) throw new Error(result.error);
    return result;
  }

  stop(): void {
    this.#child?.kill();
  }
}
