import { lstatSync, mkdirSync, rmSync, statSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { shortPathOf } from "./short-path.ts";

/** A sentence for the person at the terminal; it ends the program. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** Where the shop of a data directory can be reached by its REPL. */
export function socketOf(dataDir: string): string {
  return join(shortPathOf(dataDir), "shop.sock");
}

/**
 * Makes this process the only shop on a data directory, by listening on the socket in it: the
 * kernel lets go of it however the process ends. Gives the listening server.
 * Throws a StartError when another shop runs there or the directory cannot be written.
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
      `Another shop is running on DATA_DIR ${dataDir}; stop it first, or give this one a DATA_DIR and a PORT of its own.`,
    );
  }
  if (!lstatSync(path).isSocket()) {
    throw new StartError(
      `${join(dataDir, "shop.sock")} is not a socket of a shop; move it away, since the shop needs its name.`,
    );
  }
  // Left behind by a shop that was killed.
  rmSync(path, { force: true });
  try {
    return await listen(path);
  } catch (error) {
    throw unwritable(dataDir, error);
  }
}

/** Node's own recursive way never ends below a folder in which nothing can be made, like /proc. */
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

/** True when a shop listens on this socket. */
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
    // Until the transporter takes over, a console that joins is sent away, and tries again.
    server.on("connection", (socket) => socket.destroy());
    server.once("error", reject);
    // Whoever reaches it is the operator, so nobody else may, from its first moment on.
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
