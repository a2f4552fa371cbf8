import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import { postgresBinaries } from "../../../embedded/postgres-binaries.ts";
import { projectDir } from "../../support/processes.ts";

/** What a run was measured with. */
export interface Environment {
  machine: {
    cpu: string;
    cores: number;
    memoryGb: number;
    kernel: string;
  };
  /** By name: `node`, `PostgreSQL` and the packages that the shop needs at run time. */
  versions: Record<string, string>;
  /** The commit of the project; null outside a clone. */
  commit: string | null;
  /** Whether files differ from the commit. */
  isDirty: boolean | null;
}

interface Lock {
  packages: Record<string, { version?: string } | undefined>;
}

/** Reads the machine, the versions and the commit. */
export async function readEnvironment(): Promise<Environment> {
  const all = cpus();
  const commit = git("rev-parse", "HEAD");
  const status = git("status", "--porcelain");
  return {
    machine: {
      cpu: all[0]?.model.trim() ?? "unknown",
      cores: all.length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      kernel: `${platform()} ${release()} ${arch()}`,
    },
    versions: {
      node: process.versions.node,
      PostgreSQL: await postgresVersion(),
      ...packageVersions(),
    },
    commit: commit ?? null,
    isDirty: status === undefined ? null : status !== "",
  };
}

/** Describes the environment in one line. */
export function environmentText({ machine, versions, commit, isDirty }: Environment): string {
  const changed = isDirty === true ? " with changes" : "";
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.kernel}`,
    `node ${versions.node}`,
    `PostgreSQL ${versions.PostgreSQL}`,
    commit === null ? "no commit" : `commit ${commit.slice(0, 10)}${changed}`,
  ].join("; ");
}

async function postgresVersion(): Promise<string> {
  const { postgres } = await postgresBinaries();
  const { stdout } = spawnSync(postgres, ["--version"], { encoding: "utf8" });
  return /\d[\w.]*/.exec(stdout)?.[0] ?? "unknown";
}

function packageVersions(): Record<string, string> {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(projectDir, name), "utf8"));
  const { dependencies } = read("package.json") as { dependencies: Record<string, string> };
  const { packages } = read("package-lock.json") as Lock;
  return Object.fromEntries(
    Object.entries(dependencies).map(([name, range]) => [
      name,
      packages[`node_modules/${name}`]?.version ?? range,
    ]),
  );
}

/** Runs git. Returns its output without the last line break; undefined if it failed. */
function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", ["-C", projectDir, ...args], { encoding: "utf8" });
  return status === 0 ? stdout.trimEnd() : undefined;
}
