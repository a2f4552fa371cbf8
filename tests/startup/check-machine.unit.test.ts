import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";

/** A project with packages of its own, on a machine that a preload describes. */
let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "check-machine-"));
  const program = join(import.meta.dirname, "..", "..", "commands", "check-machine.cjs");
  copyFileSync(program, join(project, "check-machine.cjs"));
  install("moleculer");
  install("@node-rs/argon2");
  install("jest");
});
afterEach(() => {
  rmSync(project, { recursive: true, force: true });
});

function install(name: string, code = ""): void {
  const folder = join(project, "node_modules", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "index.js"), code);
}

function remove(name: string): void {
  rmSync(join(project, "node_modules", name), { recursive: true });
}

/** Returns the exit status and the output. */
function check({ platform = "linux", node = "24.21.0" } = {}, ...packages: string[]) {
  const preload = join(project, "machine.cjs");
  const versions = JSON.stringify({ node });
  writeFileSync(
    preload,
    `Object.defineProperties(process, { platform: { value: "${platform}" }, versions: { value: ${versions} } });`,
  );
  const args = ["--require", preload, "check-machine.cjs", ...packages];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: project,
    encoding: "utf8",
  });
  return [status, `${stdout}${stderr}`];
}

test("a machine with Node 24 or newer and all packages passes", () => {
  expect(check()).toEqual([0, ""]);
  expect(check({ node: "26.1.0" }, "jest")).toEqual([0, ""]);
  expect(check({ platform: "darwin" })).toEqual([0, ""]);
});

test("on Windows one sentence names WSL 2 and Docker", () => {
  expect(check({ platform: "win32" })).toEqual([
    1,
    expect.stringMatching(/^The shop does not run on Windows.* WSL 2 .* Docker .*\n$/),
  ]);
});

test("without packages one sentence names npm ci", () => {
  remove("moleculer");
  expect(check()).toEqual([1, expect.stringMatching(/^The packages .* run npm ci\.\n$/)]);
});

test("without the optional packages one sentence names --omit=optional, on any Node", () => {
  install("@node-rs/argon2", 'throw new Error("no native binding");');
  const sentence = /^The optional packages .* run npm ci without --omit=optional\.\n$/;
  for (const node of ["20.20.2", "24.21.0"]) {
    expect(check({ node })).toEqual([1, expect.stringMatching(sentence)]);
  }
});

test("an old Node is named with the version that the shop needs", () => {
  expect(check({ node: "22.22.1" })).toEqual([
    1,
    expect.stringMatching(/^The shop needs Node 24 or newer, and this is Node 22\.22\.1: .*\n$/),
  ]);
});

test("a command without its development package names --omit=dev", () => {
  remove("jest");
  expect(check()).toEqual([0, ""]);
  expect(check({}, "jest")).toEqual([
    1,
    expect.stringMatching(/^The development packages .* run npm ci without --omit=dev\.\n$/),
  ]);
});
