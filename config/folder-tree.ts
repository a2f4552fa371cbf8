import { existsSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/**
 * Returns true if a path is a folder or lies in it; either may not exist. Folders are compared as the
 * file system knows them: their names may differ by symbolic links, mounts and case.
 */
export function isInside(path: string, folder: string): boolean {
  const id = idOf(folder);
  return foldersAround(path).some((around) => idOf(around) === id);
}

/** Returns the real path, and those of all folders that contain it, the innermost first. */
export function foldersAround(path: string): string[] {
  const around: string[] = [];
  for (let folder = realPathOf(path); folder !== around.at(-1); folder = dirname(folder)) {
    around.push(folder);
  }
  return around;
}

/** Returns the path without symbolic links, as far as it exists. */
function realPathOf(path: string): string {
  const whole = resolve(path);
  return existsSync(whole)
    ? realpathSync(whole)
    : join(realPathOf(dirname(whole)), basename(whole));
}

function idOf(path: string): string {
  // False also for a path that this user may not read, for which `statSync` throws.
  if (!existsSync(path)) return realPathOf(path);
  const { dev, ino } = statSync(path);
  return `${dev}:${ino}`;
}
