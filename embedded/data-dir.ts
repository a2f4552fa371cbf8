import { existsSync, lstatSync, mkdirSync, rmSync, statSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { foldersAround } from "../config/folder-tree.ts";
import { CommandError } from "../core/command-error.ts";
import { codeOf, messageOf } from "../core/errors.ts";
import { backupAround } from "./backup/backup-folder.ts";
import { platform } from "./platform/platform.ts";
import { nothingChanged } from "./staging-folder.ts";

/** Returns the path of the socket by which a REPL joins the shop of a data directory. */
export function socketOf(dataDir: string): string {
  return join(platform.shortPathOf(dataDir), "shop.sock");
}

/** Returns the folder of the embedded PostgreSQL. */
export function postgresFolder(dataDir: string): string {
  return join(dataDir, "postgres");
}

/** Throws CommandError if no shop was ever started on a data directory: its name may be mistyped. */
export function assertHoldsShop(dataDir: string): void {
  if (existsSync(postgresFolder(dataDir))) return;
  throw new CommandError(
    `There is no shop in DATA_DIR ${dataDir}. Correct DATA_DIR, or start a shop there with npm start.`,
  );
}

/**
 * Throws CommandError for a data directory in a backup, or in the data of a PostgreSQL server: DATA_DIR
 * may be mistyped, and a new shop there would mix its files with the others.
 */
export function assertOutsideOtherData(dataDir: string): void {
  const backup = backupAround(dataDir);
  if (backup !== undefined) {
    throw new CommandError(
      `DATA_DIR ${dataDir} is in the backup ${backup}; set DATA_DIR to a folder outside of it. npm run restore makes a shop of a backup. ${nothingChanged}`,
    );
  }
  const server = foldersAround(dataDir).find((folder) => existsSync(join(folder, "PG_VERSION")));
  if (server === undefined) return;
  throw new CommandError(
    `DATA_DIR ${dataDir} is in ${server}, the data of a PostgreSQL server; set DATA_DIR to a folder outside of it. For the shop of these data it is ${dirname(server)}. ${nothingChanged}`,
  );
}

/** The commands besides a shop that use the databases of a data directory alone. */
export type ClaimingCommand = "backup" | "restore" | "db:migrate";

/** What the socket of a command sends to each connection, before it closes the connection. */
const claimLine = /^claimed by npm run (backup|restore|db:migrate)\n$/;

/**
 * Makes this process the only shop on a data directory, by listening on its socket: the kernel
 * releases the socket however the process ends. Returns the listening server.
 * Throws CommandError if another shop or command runs there or the directory is not writable.
 *
 * @param command the command that claims the directory; undefined for a shop
 */
export async function claimDataDir(dataDir: string, command?: ClaimingCommand): Promise<Server> {
  try {
    makeFolder(dataDir, 0o700);
  } catch (error) {
    throw unwritable(dataDir, error);
  }
  const path = socketOf(dataDir);
  try {
    return await listen(path, command);
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE") throw unwritable(dataDir, error);
  }
  if (await isListening(path)) {
    const other = await commandAt(path);
    if (other !== undefined) {
      throw new CommandError(
        `npm run ${other} is using DATA_DIR ${dataDir}; wait for its end, or set another DATA_DIR.`,
      );
    }
    throw new CommandError(
      command === undefined
        ? `Another shop is running on DATA_DIR ${dataDir}; stop it first, or set another DATA_DIR and PORT for this one.`
        : `A shop is running on DATA_DIR ${dataDir}; stop it before npm run ${command}, or correct DATA_DIR.`,
    );
  }
  if (!lstatSync(path).isSocket()) {
    throw new CommandError(
      `${join(dataDir, "shop.sock")} is not a socket of a shop; move it away, because the shop needs this path.`,
    );
  }
  // A shop that was killed left the socket behind.
  rmSync(path, { force: true });
  try {
    return await listen(path, command);
  } catch (error) {
    throw unwritable(dataDir, error);
  }
}

/** Creates a folder and its parents. Node's recursive `mkdirSync` never ends below /proc. */
function makeFolder(path: string, mode: number): void {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) {
    // Who can write to a parent can replace the folder.
    makeFolder(dirname(path), 0o755);
    mkdirSync(path, { mode });
    return;
  }
  const target = statSync(path, { throwIfNoEntry: false });
  if (target === undefined) throw new Error(`${path} is a symbolic link to nothing`);
  if (!target.isDirectory()) throw new Error(`${path} is not a folder`);
}

/** Returns true if a shop, or a command that claims the data directory, listens on this socket. */
export function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => {
      resolve(false);
    });
  });
}

/** How long a command has for its line. A shop that runs sends nothing first. */
const claimLineWithinMs = 500;

/** Returns the command that listens on a socket; undefined for a shop. */
function commandAt(path: string): Promise<ClaimingCommand | undefined> {
  return new Promise((resolve) => {
    const probe = connect(path).setEncoding("utf8");
    let text = "";
    const done = () => {
      probe.destroy();
      resolve(claimLine.exec(text)?.[1] as ClaimingCommand | undefined);
    };
    probe.on("data", (chunk: string) => (text += chunk));
    probe.setTimeout(claimLineWithinMs, done);
    probe.once("error", done);
    probe.once("end", done);
  });
}

function listen(path: string, command: ClaimingCommand | undefined): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    // Until the transporter starts, REPLs are disconnected. They connect again.
    server.on("connection", (socket) => {
      if (command === undefined) socket.destroy();
      else socket.on("error", () => undefined).end(`claimed by npm run ${command}\n`);
    });
    server.once("error", reject);
    // A connection has the operator's rights, so the socket is created with access for its user only.
    const mask = process.umask(0o177);
    server.listen(path, () => {
      server.off("error", reject);
      removeAtExit(server, path);
      resolve(server);
    });
    process.umask(mask);
  });
}

/** Removes the socket of a process that ends before it closes the server, e.g. during initdb. */
function removeAtExit(server: Server, path: string): void {
  const remove = () => {
    // A server that has closed has removed its socket, and another shop may have made a new one.
    if (server.listening) rmSync(path, { force: true });
  };
  process.once("exit", remove);
  server.once("close", () => process.off("exit", remove));
}

function unwritable(dataDir: string, error: unknown): CommandError {
  return new CommandError(
    `DATA_DIR ${dataDir} cannot be written (${messageOf(error)}). Set DATA_DIR to a folder that you can write.`,
  );
}
