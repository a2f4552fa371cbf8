import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "./engine.ts";
import { execute } from "./execute.ts";
import type { Report } from "../report.ts";

/**
 * Makes sure that the engine has the images that the project's files name. An engine that reaches no
 * registry may have another version of the same image, which then gets the name of the missing one.
 */
export async function provideImages(
  { env }: Engine,
  folder: string,
  report: Report,
): Promise<void> {
  const docker = (...args: string[]) => execute("docker", args, { env });
  const has = (image: string) => succeeds(docker("image", "inspect", image));
  for (const image of namedImages(folder)) {
    if ((await has(image)) || (await succeeds(docker("pull", image)))) continue;
    for (const other of otherVersions(image)) {
      if (!(await has(other))) continue;
      await docker("tag", other, image);
      report.print(`${image} cannot be pulled; the engine's ${other} is used instead.`);
      break;
    }
  }
}

/** Returns the images that Compose pulls and that the shop's image is built on. */
function namedImages(folder: string): string[] {
  const sources: [string, RegExp][] = [
    ["docker-compose.yml", /^\s*image: ([^\s$]+)$/gm],
    ["Dockerfile", /^FROM (?:--platform=\S+ )?(\S+)/gm],
  ];
  const images = sources.flatMap(([file, pattern]) =>
    [...readFileSync(join(folder, file), "utf8").matchAll(pattern)].map(([, name = ""]) => name),
  );
  return [...new Set(images)].filter((name) => name.includes(":"));
}

/** Returns names of the same variant of an image: of its major version, and of the newest one. */
function otherVersions(image: string): string[] {
  const [, name = "", major = "", variant = ""] = /^(.+):v?(\d+)[\d.]*(.*)$/.exec(image) ?? [];
  return [major, "lts", "latest"].map((version) => `${name}:${version}${variant}`);
}

async function succeeds(command: Promise<string>): Promise<boolean> {
  try {
    await command;
    return true;
  } catch {
    // The caller has another way.
    return false;
  }
}
