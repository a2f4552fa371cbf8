import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { eventually } from "../../../tools/support/eventually.ts";

/** Runs the scripts whose paths it reads, and reports each end on descriptor 3. */
const driver = `
set -Eeuo pipefail
trap 'echo "failed $LINENO" >&3' ERR
while read -r script; do
  source "$script" </dev/null >"$script.out" 2>"$script.err"
  echo done >&3
done
`;

export interface Run {
  stdout: string;
  /** The first line of the script that failed, and what the script wrote to stderr. */
  failure?: { line: number; stderr: string };
}

/** A bash that runs scripts one after the other. Variables of one are there in the next. */
export class Shell {
  readonly folder: string;
  readonly #bash: ChildProcess;
  readonly #reports: string[] = [];
  #hasEnded = false;
  #count = 0;

  /** @param folder the working folder, which also gets the scripts and their output */
  constructor(folder: string) {
    this.folder = folder;
    this.#bash = spawn("bash", ["-c", driver], {
      cwd: folder,
      // A process group, so that what a script has left in the background ends with the shell.
      detached: true,
      env: { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`, HOME: folder },
      stdio: ["pipe", "ignore", "ignore", "pipe"],
    });
    this.#bash.on("close", () => (this.#hasEnded = true));
    this.#bash.stdin?.on("error", () => undefined);
    const reports = createInterface(this.#bash.stdio[3] as Readable);
    reports.on("line", (line) => this.#reports.push(line));
  }

  /** Runs a script. After a failure, the shell runs no more scripts. */
  async run(code: string): Promise<Run> {
    const script = join(this.folder, `.script-${(this.#count += 1)}`);
    writeFileSync(script, `${code}\n`);
    this.#bash.stdin?.write(`${script}\n`);
    const report = await eventually(`the end of the script:\n${code}\n`, () =>
      this.#reports.length > 0 ? this.#reports : this.#hasEnded && ["ended"],
    );
    const [first = ""] = report;
    this.#reports.length = 0;
    const stdout = readFileSync(`${script}.out`, "utf8");
    if (first === "done") return { stdout };
    const stderr = readFileSync(`${script}.err`, "utf8").trim();
    // An unset variable ends the shell without a trap.
    const line = /^failed (\d+)$/.exec(first)?.[1] ?? / line (\d+): /.exec(stderr)?.[1];
    return { stdout, failure: { line: Number(line ?? 1), stderr } };
  }

  async end(): Promise<void> {
    if (this.#bash.pid !== undefined) {
      try {
        process.kill(-this.#bash.pid, "SIGKILL");
      } catch {
        // The whole group has ended.
      }
    }
    await eventually("the end of the shell", () => this.#hasEnded);
  }
}
