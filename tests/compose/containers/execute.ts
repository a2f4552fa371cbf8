import { spawn } from "node:child_process";

export interface ExecuteOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Ends the program when the signal is aborted. */
  signal?: AbortSignal | undefined;
}

/** The maximum length of the output in an error message. */
const shownCharacters = 2_000;

/**
 * Runs a program to its end, and returns its standard output. If the program fails, the error
 * contains the end of its output and error output.
 */
export function execute(
  file: string,
  args: readonly string[],
  options: ExecuteOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const { cwd, env, signal } = options;
    const child = spawn(file, args, {
      ...(cwd !== undefined && { cwd }),
      ...(env !== undefined && { env }),
      ...(signal !== undefined && { signal }),
      // Ctrl-C in the terminal must reach only this process, which ends programs in the right order.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output: Buffer[] = [];
    let written = "";
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        written = (written + chunk.toString()).slice(-shownCharacters);
      });
    }
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve(Buffer.concat(output).toString());
      else reject(new Error(`${file} ${args.join(" ")} ended with ${String(status)}:\n${written}`));
    });
  });
}
