import { spawn } from "node:child_process";

export interface ExecuteOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Ends the program when it is aborted. */
  signal?: AbortSignal | undefined;
}

/** How much of what a program wrote is shown when it fails. */
const shownCharacters = 2_000;

/**
 * Runs a program to its end, and gives what it wrote to standard output. Throws what it wrote
 * to both streams when it fails.
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
      // A terminal's Ctrl-C is for this program: it decides what is ended, and in which order.
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
