import { spawn } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { npmPid } from "../../config/npm.ts";
import { killProcesses } from "./kill-processes.ts";
import { processTable } from "./process-table/process-table.ts";

/** The temporary folder of a run of the tests, the benchmark or the checker. */
export interface RunFolder {
  path: string;
  /** Kills the remaining processes of the run and removes the folder. */
  close(): Promise<void>;
}

/** Identifies the process that owns a folder. A pid alone may have been reused. */
interface Owner {
  pid: number;
  startedAt: string;
  /** Pids are unique within a boot and a pid namespace. */
  boot: string;
  namespace: string;
}

const prefix = "shop-run-";
const ownerFile = "owner.json";

/**
 * Creates the folder of this run and makes it the TMPDIR of this process and its children. A guard
 * process removes it however the run ends. Folders of earlier runs whose guard was killed as well
 * are removed now.
 */
export async function openRunFolder(parent = tmpdir()): Promise<RunFolder> {
  for (const folder of endedRunsIn(parent)) await removeRun(folder);
  const path = mkdtempSync(join(parent, prefix));
  // Programs of other users have their folders below this one.
  chmodSync(path, 0o711);
  writeFileSync(join(path, ownerFile), JSON.stringify(ownerOf(process.pid)));
  const args = [
    join(import.meta.dirname, "run-guard.ts"),
    path,
    String(process.pid),
    String(npmPid ?? ""),
  ];
  const guard = spawn(process.execPath, args, {
    // The guard reads the end of its stdin when this process ends.
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
  return { path, close: () => removeRun(path) };
}

/** Kills every process of a run and removes its folder. */
export async function removeRun(folder: string): Promise<void> {
  await killProcesses(() => pidsOf(folder));
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Returns the folders of runs that have certainly ended. */
function endedRunsIn(parent: string): string[] {
  return readdirSync(parent)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(parent, name))
    .filter((folder) => {
      try {
        const { uid } = lstatSync(folder);
        const owner = JSON.parse(readFileSync(join(folder, ownerFile), "utf8")) as Owner;
        return uid === process.getuid?.() && hasEnded(owner);
      } catch {
        // The folder is not of a run, or its run is just starting.
        return false;
      }
    });
}

function hasEnded(owner: Owner): boolean {
  const now = ownerOf(owner.pid);
  if (owner.boot !== now.boot) return true;
  return owner.namespace === now.namespace && owner.startedAt !== now.startedAt;
}

function ownerOf(pid: number): Owner {
  return {
    pid,
    startedAt: processTable.startOf(pid),
    boot: processTable.bootId(),
    namespace: processTable.namespaceId(),
  };
}

/** Returns the processes whose working folder or TMPDIR is in the folder of a run. */
export function pidsOf(folder: string): number[] {
  const found = [...processTable.workingIn(folder), ...processTable.withTmpdirIn(folder)];
  return [...new Set(found)].filter((pid) => pid !== process.pid);
}
