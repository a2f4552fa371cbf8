import { spawn } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** All that a run of tests, of the benchmark or of the checker writes and starts for a while. */
export interface RunFolder {
  path: string;
  /** Ends what is left of the run, and removes the folder. */
  close(): Promise<void>;
}

/** Whose a folder is: a process's id alone may by now be another's. */
interface Owner {
  pid: number;
  startedAt: string;
  /** Ids are those of one boot, and in one container. */
  boot: string;
  namespace: string;
}

const prefix = "shop-run-";
const ownerFile = "owner.json";
const pollMs = 50;

/**
 * Makes the folder of this run, which is the folder for temporary files from now on, here and in
 * all that the run starts. A process beside it clears it away however the run ends, and what runs
 * have left that were ended together with theirs is cleared away now.
 */
export async function openRunFolder(parent = tmpdir()): Promise<RunFolder> {
  for (const folder of deadFoldersIn(parent)) await clearAway(folder);
  const path = mkdtempSync(join(parent, prefix));
  // Programs that run as other users work in folders below.
  chmodSync(path, 0o711);
  writeFileSync(join(path, ownerFile), JSON.stringify(ownerOf(process.pid)));
  const npm = process.env.npm_lifecycle_event === undefined ? "" : String(process.ppid);
  const args = [join(import.meta.dirname, "run-guard.ts"), path, String(process.pid), npm];
  const guard = spawn(process.execPath, args, {
    // The end of its input is the end of this process.
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    cwd: "/",
    env: { PATH: process.env.PATH },
  });
  guard.unref();
  guard.on("error", () => undefined);
  guard.stdin.on("error", () => undefined);
  (guard.stdin as unknown as { unref(): void }).unref();
  process.env.TMPDIR = path;
  return { path, close: () => clearAway(path) };
}

/** Kills every process of a run, and removes its folder. */
export async function clearAway(folder: string): Promise<void> {
  // What dies may have just started something.
  for (let pids = pidsOf(folder); pids.length > 0; pids = pidsOf(folder)) {
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    await sleep(pollMs);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** The folders of runs that are certainly over. */
function deadFoldersIn(parent: string): string[] {
  return readdirSync(parent)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(parent, name))
    .filter((folder) => {
      try {
        const { uid } = lstatSync(folder);
        const owner = JSON.parse(readFileSync(join(folder, ownerFile), "utf8")) as Owner;
        return uid === process.getuid?.() && isDead(owner);
      } catch {
        // It is not a run's, or its run is just beginning.
        return false;
      }
    });
}

function isDead(owner: Owner): boolean {
  const now = ownerOf(owner.pid);
  if (owner.boot !== now.boot) return true;
  return owner.namespace === now.namespace && owner.startedAt !== now.startedAt;
}

function ownerOf(pid: number): Owner {
  return {
    pid,
    startedAt: startOf(pid),
    boot: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    namespace: readlinkSync("/proc/self/ns/pid"),
  };
}

/** When a process was started, in ticks since the boot; empty where there is none. */
function startOf(pid: number): string {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything; the 22nd word is the 20th behind it.
    return status.slice(status.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

/** The processes that work in a run's folder, or have it for their temporary files. */
export function pidsOf(folder: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => worksIn(pid, folder) || hasForItsFiles(pid, folder))
    .map(Number);
}

function worksIn(pid: string, folder: string): boolean {
  try {
    return `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${folder}/`);
  } catch {
    return false;
  }
}

function hasForItsFiles(pid: string, folder: string): boolean {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return variables.some((variable) => `${variable}/`.startsWith(`TMPDIR=${folder}/`));
  } catch {
    return false;
  }
}
