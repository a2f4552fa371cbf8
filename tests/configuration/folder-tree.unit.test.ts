import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { isInside } from "../../config/folder-tree.ts";

let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "folder-tree-"));
  mkdirSync(join(place, "data", "deep"), { recursive: true });
  mkdirSync(join(place, "data-2"));
  symlinkSync(join(place, "data", "deep"), join(place, "link"));
});
afterEach(() => {
  rmSync(place, { recursive: true, force: true });
});

test.each([
  ["data", true],
  ["data/", true],
  ["data/missing/folder", true],
  ["data/../data/deep", true],
  ["link", true],
  ["link/missing", true],
  ["data-2", false],
  ["data-2/missing", false],
  ["missing", false],
  [".", false],
])("%s is inside of data: %j", (path, expected) => {
  expect(isInside(join(place, path), join(place, "data"))).toBe(expected);
  expect(isInside(join(relative(process.cwd(), place), path), join(place, "data/"))).toBe(expected);
});

test("a folder that does not exist is compared by its path", () => {
  expect(isInside(join(place, "link/new/a"), join(place, "data/deep/new"))).toBe(true);
  expect(isInside(join(place, "link/newer"), join(place, "data/deep/new"))).toBe(false);
});
