import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that tests and tools need and npm does not install. */
interface Prerequisite {
  /** The names of the executable. */
  names: string[];
  /** The environment variable with the path. A user may set it; `provide` sets it. */
  variable: string;
  /** The packages in Debian and Ubuntu that have the program. The first one that exists is installed. */
  aptPackages: string[];
  /** Instructions for a manual installation. */
  help: string;
}

export const natsServer: Prerequisite = {
  names: ["nats-server"],
  variable: "NATS_SERVER_PATH",
  aptPackages: ["nats-server"],
  help: "The program nats-server is missing: install it (Debian: apt-get install nats-server; others: https://github.com/nats-io/nats-server/releases) on the PATH, or name it with NATS_SERVER_PATH.",
};

/**
 * The headless shell is Chromium without its own windows, which are pages as well: the tests take a
 * third less CPU time. Ubuntu has no package of it.
 */
export const chromium: Prerequisite = {
  names: ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"],
  variable: "CHROMIUM_PATH",
  aptPackages: ["chromium-headless-shell", "chromium"],
  help: "Chromium or Chrome is missing: install it (Debian: apt-get install chromium-headless-shell) on the PATH, or name it with CHROMIUM_PATH.",
};

/** Its package also has promtool, in the same folder. */
export const prometheus: Prerequisite = {
  names: ["prometheus"],
  variable: "PROMETHEUS_PATH",
  aptPackages: ["prometheus"],
  help: "Prometheus is missing: install it (Debian: apt-get install prometheus; others: https://prometheus.io/download) on the PATH, or name it with PROMETHEUS_PATH.",
};

/** Returns the path of the program, if it is installed. */
export function find({ names, variable }: Prerequisite): string | undefined {
  const named = process.env[variable];
  if (named !== undefined) return existsSync(named) ? named : undefined;
  // Debian installs servers in /usr/sbin, which is not on the PATH of every user.
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

/** A missing program. The message says how to install it, and is shown without a stack trace. */
export class PrerequisiteError extends Error {
  override readonly name = "PrerequisiteError";
}

/**
 * Finds or installs the program, and sets its variable for this process and its children. Throws a
 * PrerequisiteError.
 */
export function provide(prerequisite: Prerequisite): void {
  const path = find(prerequisite) ?? install(prerequisite);
  if (path === undefined) throw new PrerequisiteError(prerequisite.help);
  process.env[prerequisite.variable] = path;
}

/** Installs one of the packages with apt-get, if the user is root. Returns the path of the program. */
function install(prerequisite: Prerequisite): string | undefined {
  const { aptPackages, variable } = prerequisite;
  // A set path that does not exist is an error of the user.
  if (process.env[variable] !== undefined) return undefined;
  if (process.getuid?.() !== 0 || spawnSync("apt-get", ["--version"]).status !== 0)
    return undefined;
  if (!aptGet(["update"])) return undefined;
  for (const aptPackage of aptPackages) {
    process.stderr.write(`Installing ${aptPackage} with apt-get.\n`);
    if (aptGet(["install", "-y", "--no-install-recommends", aptPackage])) break;
  }
  return find(prerequisite);
}

/** Returns whether apt-get succeeded; otherwise prints its output. */
function aptGet(args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, stdout, stderr } = spawnSync("apt-get", args, { env, encoding: "utf8" });
  if (status === 0) return true;
  process.stderr.write(`apt-get ${args.join(" ")} failed:\n${stdout}${stderr}`);
  return false;
}
