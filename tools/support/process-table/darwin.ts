import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import type { ProcessTable } from "./interface.ts";

/** Runs a program. Returns its output. */
type Run = (program: string, args: readonly string[]) => string;

const runReally: Run = (program, args) => spawnSync(program, args, { encoding: "utf8" }).stdout;

/** Reads the output of `ps`, `lsof` and `sysctl`; macOS has no `/proc`. Tests replace `run`. */
export function darwin(run: Run = runReally): ProcessTable {
  const column = (name: string, pid: number) =>
    run("/bin/ps", ["-ww", "-o", `${name}=`, "-p", String(pid)]).trim();

  return {
    pids: () => run("/bin/ps", ["-axo", "pid="]).trim().split(/\s+/).map(Number),

    workingIn(folder) {
      // lsof shows paths without symbolic links, such as /private/tmp for /tmp.
      const real = realpathSync(folder);
      let pid = 0;
      const found: number[] = [];
      for (const line of run("/usr/sbin/lsof", ["-d", "cwd", "-F", "pn"]).split("\n")) {
        if (line.startsWith("p")) pid = Number(line.slice(1));
        if (line.startsWith("n") && `${line.slice(1)}/`.startsWith(`${real}/`)) found.push(pid);
      }
      return found;
    },

    withTmpdirIn(folder) {
      const lines = run("/bin/ps", ["-axEww", "-o", "pid=,command="]).split("\n");
      return lines
        .filter((line) => ["/", " "].some((end) => `${line} `.includes(` TMPDIR=${folder}${end}`)))
        .map((line) => Number.parseInt(line, 10));
    },

    commandOf(pid) {
      const command = column("command", pid);
      return command === "<defunct>" ? "" : command;
    },

    parentOf(pid) {
      const parent = column("ppid", pid);
      return parent === "" ? undefined : Number(parent);
    },

    startOf: (pid) => column("lstart", pid),

    cpuMsOf(pid) {
      const [minutes = 0, seconds = 0] = column("time", pid).split(":").map(Number);
      return Math.round((minutes * 60 + seconds) * 1_000);
    },

    rssMbOf: (pid) => Number(column("rss", pid)) / 1_024,
    ownMbOf: (pid) => Number(column("rss", pid)) / 1_024,

    bootId: () => run("/usr/sbin/sysctl", ["-n", "kern.boottime"]).trim(),

    namespaceId: () => "",
  };
}
