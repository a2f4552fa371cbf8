import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { ProcessTable } from "./interface.ts";

/** Reads `/proc`. An entry may vanish at any time, or belong to another user. */
export const linux: ProcessTable = {
  pids,

  workingIn(folder) {
    return pids().filter((pid) => {
      try {
        return `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${folder}/`);
      } catch {
        return false;
      }
    });
  },

  withTmpdirIn(folder) {
    return pids().filter((pid) =>
      read(`/proc/${pid}/environ`)
        .split("\0")
        .some((variable) => `${variable}/`.startsWith(`TMPDIR=${folder}/`)),
    );
  },

  commandOf: (pid) => read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim(),

  parentOf(pid) {
    const parent = /^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1];
    return parent === undefined ? undefined : Number(parent);
  },

  startOf(pid) {
    // Field 22.
    return statusOf(pid)[19] ?? "";
  },

  rssMbOf: (pid) => megabytesOf(pid, "VmRSS"),

  ownMbOf: (pid) => megabytesOf(pid, "RssAnon") + megabytesOf(pid, "RssShmem"),

  cpuMsOf(pid) {
    // Fields 14 and 15, in hundredths of a second.
    const [user = "0", system = "0"] = statusOf(pid).slice(11);
    return (Number(user) + Number(system)) * 10;
  },

  bootId: () => read("/proc/sys/kernel/random/boot_id").trim(),

  namespaceId: () => readlinkSync("/proc/self/ns/pid"),
};

function pids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Returns a line of `/proc/PID/status`, which has kilobytes. */
function megabytesOf(pid: number, name: string): number {
  const line = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(read(`/proc/${pid}/status`));
  return Number(line?.[1] ?? "0") / 1_024;
}

/** Returns the fields of `/proc/PID/stat` from the third one; none for no process. */
function statusOf(pid: number): string[] {
  const status = read(`/proc/${pid}/stat`);
  // The name in parentheses, which is the second field, may contain spaces.
  return status.slice(status.lastIndexOf(")") + 2).split(" ");
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
