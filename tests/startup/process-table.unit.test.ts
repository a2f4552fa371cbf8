import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { darwin } from "../../tools/support/process-table/darwin.ts";
import { processTable } from "../../tools/support/process-table/process-table.ts";

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "process-table-")));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("the table of this machine describes a child process", async () => {
  const below = join(folder, "below");
  mkdirSync(below);
  const child = spawn("sleep", ["600"], { cwd: below, env: { TMPDIR: below } });
  await once(child, "spawn");
  const { pid = 0 } = child;
  expect(processTable.pids()).toContain(pid);
  expect(processTable.workingIn(folder)).toEqual([pid]);
  expect(processTable.withTmpdirIn(folder)).toEqual([pid]);
  expect(processTable.workingIn(`${folder}/bel`)).toEqual([]);
  expect(processTable.commandOf(pid)).toBe("sleep 600");
  expect(processTable.parentOf(pid)).toBe(process.pid);
  expect(processTable.rssMbOf(pid)).toBeGreaterThan(0);
  expect(processTable.ownMbOf(pid)).toBeGreaterThan(0);
  expect(processTable.ownMbOf(pid)).toBeLessThanOrEqual(processTable.rssMbOf(pid));
  expect(processTable.startOf(pid)).not.toBe("");
  const { user, system } = process.cpuUsage();
  expect(processTable.cpuMsOf(process.pid)).toBeGreaterThan((user + system) / 1_000 - 50);
  expect(processTable.bootId()).not.toBe("");
  child.kill("SIGKILL");
  await once(child, "close");
  expect(processTable.startOf(pid)).toBe("");
  expect(processTable.commandOf(pid)).toBe("");
  expect(processTable.parentOf(pid)).toBeUndefined();
});

test("the table of macOS reads the output of ps, lsof and sysctl", () => {
  const outputs: Record<string, string> = {
    "/bin/ps -axo pid=": "    1\n  310\n",
    "/bin/ps -axEww -o pid=,command=": [
      `  310 sleep 600 PATH=/bin TMPDIR=${folder}/run HOME=/Users/ann`,
      `  311 sleep 600 TMPDIR=${folder}`,
      `  312 sleep 600 TMPDIR=${folder}-2`,
      "  313 sleep 600",
    ].join("\n"),
    "/usr/sbin/lsof -d cwd -F pn": `p310\nfcwd\nn${folder}/run\np311\nfcwd\nn/\np312\nfcwd\nn${folder}\n`,
    "/bin/ps -ww -o command= -p 310": "sleep 600\n",
    "/bin/ps -ww -o command= -p 311": "<defunct>\n",
    "/bin/ps -ww -o ppid= -p 310": "    1\n",
    "/bin/ps -ww -o lstart= -p 310": "Sat Nov 28 18:12:01 2026    \n",
    "/bin/ps -ww -o rss= -p 310": "  2048\n",
    "/bin/ps -ww -o time= -p 310": "   1:02.34\n",
    "/usr/sbin/sysctl -n kern.boottime": "{ sec = 1796000000, usec = 0 }\n",
  };
  const mac = darwin((program, args) => outputs[[program, ...args].join(" ")] ?? "");
  expect(mac.pids()).toEqual([1, 310]);
  expect(mac.withTmpdirIn(folder)).toEqual([310, 311]);
  expect(mac.workingIn(folder)).toEqual([310, 312]);
  expect([mac.commandOf(310), mac.commandOf(311), mac.commandOf(312)]).toEqual([
    "sleep 600",
    "",
    "",
  ]);
  expect([mac.parentOf(310), mac.parentOf(312)]).toEqual([1, undefined]);
  expect([mac.startOf(310), mac.startOf(312)]).toEqual(["Sat Nov 28 18:12:01 2026", ""]);
  expect(mac.rssMbOf(310)).toBe(2);
  expect(mac.ownMbOf(310)).toBe(2);
  expect(mac.cpuMsOf(310)).toBe(62_340);
  expect(mac.bootId()).toBe("{ sec = 1796000000, usec = 0 }");
});
