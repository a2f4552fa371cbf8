import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that tests need and npm does not bring. */
interface Prerequisite {
  /** What the program may be called. */
  names: string[];
  /** Where it lies is told to the tests by this variable, and may be told by who runs them. */
  variable: string;
  /** Its package in Debian and Ubuntu. */
  aptPackage: string;
  /** How to get it, for those who have to do it themselves. */
  help: string;
}

export const natsServer: Prerequisite = {
  names: ["nats-server"],
  variable: "NATS_SERVER_PATH",
  aptPackage: "nats-server",
  help: "The cluster tests need the program nats-server: install it (Debian: apt-get install nats-server; others: https://github.com/nats-io/nats-server/releases) on the PATH, or name it with NATS_SERVER_PATH.",
};

export const chromium: Prerequisite = {
  names: ["chromium", "chromium-browser", "google-chrome"],
  variable: "CHROMIUM_PATH",
  aptPackage: "chromium",
  help: "The browser test needs Chromium or Chrome: install it (Debian: apt-get install chromium) on the PATH, or name it with CHROMIUM_PATH.",
};

/** The program's path, where it is on this machine. */
export function find({ names, variable }: Prerequisite): string | undefined {
  const named = process.env[variable];
  if (named !== undefined) return existsSync(named) ? named : undefined;
  // Debian keeps servers in a folder that not every user's PATH has.
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

/** Installs the package where one may: as root, with apt. Gives the program's path. */
export function install(prerequisite: Prerequisite): string | undefined {
  const { aptPackage, variable } = prerequisite;
  // Who names a program wants that one.
  if (process.env[variable] !== undefined) return undefined;
  if (process.getuid?.() !== 0 || spawnSync("apt-get", ["--version"]).status !== 0)
    return undefined;
  process.stderr.write(`Installing ${aptPackage} with apt-get, for the tests.\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", aptPackage]]) {
    const { status, stdout, stderr } = spawnSync("apt-get", args, { env, encoding: "utf8" });
    if (status === 0) continue;
    process.stderr.write(`apt-get ${args.join(" ")} failed:\n${stdout}${stderr}`);
    return undefined;
  }
  return find(prerequisite);
}
