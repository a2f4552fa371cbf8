import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import {
  chromium,
  find,
  natsServer,
  PrerequisiteError,
  provide,
} from "../../tools/support/prerequisites.ts";

let folder: string;
const before = { ...process.env };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "prerequisites-"));
  delete process.env.NATS_SERVER_PATH;
  delete process.env.CHROMIUM_PATH;
  process.env.PATH = folder;
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
  for (const variable of ["NATS_SERVER_PATH", "CHROMIUM_PATH", "PATH"]) {
    if (before[variable] === undefined) Reflect.deleteProperty(process.env, variable);
    else process.env[variable] = before[variable];
  }
});

/** Creates a program on the PATH. */
function putProgram(name: string, script = ""): string {
  const file = join(folder, name);
  writeFileSync(file, script);
  chmodSync(file, 0o755);
  return file;
}

test("a named nats-server that does not exist ends a command with one sentence", () => {
  process.env.NATS_SERVER_PATH = "/nonexistent/nats-server";
  expect(find(natsServer)).toBeUndefined();
  expect(() => {
    provide(natsServer);
  }).toThrow(new PrerequisiteError(natsServer.help));
});

test("a nats-server on the PATH is passed on to child processes", () => {
  const file = putProgram("nats-server");
  provide(natsServer);
  expect(process.env.NATS_SERVER_PATH).toBe(file);
});

test("an installed Chromium is taken, and the headless shell before it", () => {
  const browser = putProgram("chromium");
  expect(find(chromium)).toBe(browser);
  const shell = putProgram("chromium-headless-shell");
  expect(find(chromium)).toBe(shell);
});

test("the next package is installed where the first one does not exist", () => {
  jest.spyOn(process as Required<typeof process>, "getuid").mockReturnValue(0);
  jest.spyOn(process.stderr, "write").mockReturnValue(true);
  const shell = join(folder, "chromium-headless-shell");
  const script = (missing: string) =>
    `#!/bin/sh\nfor last; do :; done\n[ "$last" != ${missing} ] || exit 100\n` +
    `[ "$1" != install ] || : > "${folder}/$last"\n`;
  putProgram("apt-get", script("chromium-headless-shell"));
  provide(chromium);
  expect(process.env.CHROMIUM_PATH).toBe(join(folder, "chromium"));

  delete process.env.CHROMIUM_PATH;
  rmSync(join(folder, "chromium"));
  putProgram("apt-get", script("none"));
  provide(chromium);
  expect(process.env.CHROMIUM_PATH).toBe(shell);
});
