import { lstatSync, mkdirSync, rmSync, statSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { platform } from "./platform/platform.ts";

/** A failed start that the user can fix. The program ends and prints the message without a stack. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** Returns the path of the socket by which a REPL joins the shop of a data directory. */
export function socketOf(dataDir: string): string {
  return join(platform.shortPathOf(dataDir), "shop.sock");
}

/**
 * Makes this process the only shop on a data directory, by listening on its socket: the kernel
 * releases the socket however the process ends. Returns the listening server.
 * Throws StartError if another shop runs there or the directory is not writable.
 */
export async function claimDataDir(dataDir: string): Promise<Server> {
  try {
    makeFolder(dataDir);
  } catch (error) {
    throw unwritable(dataDir, error);
  }
  const path = socketOf(dataDir);
  try {
    return await listen(path);
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE") throw unwritable(dataDir, error);
  }
  if (await answers(path)) {
    throw new StartError(
      `Another shop is running on DATA_DIR ${dataDir}; stop it first, or set another DATA_DIR and PORT for this one.`,
    );
  }
  if (!lstatSync(path).isSocket()) {
    throw new StartError(
      `${join(dataDir, "shop.sock")} is not a socket of a shop; move it away, because the shop needs this path.`,
    );
  }
  // A shop that was killed left the socket behind.
  rmSync(path, { force: true });
  try {
    return await listen(path);
  } catch (error) {
    throw unwritable(dataDir, error);
  }
}

/** Creates a folder and its parents. Node's recursive `mkdirSync` never ends below /proc. */
function makeFolder(path: string): void {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) {
    makeFolder(dirname(path));
    mkdirSync(path);
    return;
  }
  const target = statSync(path, { throwIfNoEntry: false });
  if (target === undefined) throw new Error(`${path} is a symbolic link to nothing`);
  if (!target.isDirectory()) throw new Error(`${path} is not a folder`);
}

/** Returns true if a shop listens on this socket. */
export function answers(path: string): Promise<boolean> {
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

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    // Until the transporter starts, consoles are disconnected; they connect again.
    server.on("connection", (socket) => socket.destroy());
    server.once("error", reject);
    // A connection has the operator's rights, so the socket is created with access for its user only.
    const mask = process.umask(0o177);
    server.listen(path, () => {
      server.off("error", reject);
      resolve(server);
    });
    process.umask(mask);
  });
}

function unwritable(dataDir: string, error: unknown): StartError {
  const { message } = error as Error;
  return new StartError(`DATA_DIR ${dataDir} cannot be written (${message}).`);
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code;
}
