import { closeSync, openSync } from "node:fs";
import { REPLServer } from "node:repl";

/**
 * Opens a REPL that keeps its history for this session only if its history file cannot be written, as
 * in a container with a read-only file system. Node would print an error, which names no file.
 */
export function withWritableHistory<Opened>(open: () => Opened): Opened {
  const { prototype } = REPLServer;
  const setupHistory = Reflect.get(prototype, "setupHistory") as (...args: unknown[]) => void;
  // Moleculer's REPL calls it while it opens, and has no option for the file.
  prototype.setupHistory = function (file: unknown, onReady: unknown) {
    if (typeof file === "string" && !isWritable(file)) return;
    Reflect.apply(setupHistory, this, [file, onReady]);
  };
  try {
    return open();
  } finally {
    prototype.setupHistory = setupHistory;
  }
}

/** Opens the file as Node does, which creates it. */
function isWritable(file: string): boolean {
  try {
    closeSync(openSync(file, "a+", 0o600));
    return true;
  } catch {
    return false;
  }
}
