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
    const status = read(`/proc/${pid}/stat`);
    // The name in parentheses may contain spaces; field 22 is the 20th word after it.
    return status.slice(status.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  },

  rssMbOf(pid) {
    return Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? "0") / 1_024;
  },

  bootId: () => read("/proc/sys/kernel/random/boot_id").trim(),

  namespaceId: () => readlinkSync("/proc/self/ns/pid"),
};

function pids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
