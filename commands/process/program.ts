import { setTimeout as sleep } from "node:timers/promises";
import { npmPid } from "../../config/npm.ts";

/** Errors that the user can fix by their message alone. They are printed without a stack. */
const fixableErrors = new Set([
  "ConfigError",
  "CommandError",
  "ListenError",
  "ServiceSchemaError",
  "SchemaError",
  "DatabaseProblem",
]);

/** The exit status after Ctrl-C, by the convention of shells. */
export const interruptedStatus = 130;
/** The terminal and npm both send Ctrl-C; a second signal within this time is the same one. */
const sameSignalMs = 500;

/** A terminal sends SIGINT at Ctrl-C, SIGQUIT at Ctrl-\, and SIGHUP when it is closed. */
export const endingSignals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** The interval at which a program that npm started checks that npm still runs. */
const parentEveryMs = 250;

/** The time of the first signal. Later failures are caused by the stop. */
let signalledAt: number | undefined;

/** Returns true after a signal: a program that is still starting is going to be stopped. */
export function isStopping(): boolean {
  return signalledAt !== undefined;
}

/**
 * Runs a command's `main`. An error ends the program with status 1. An error that the user can fix
 * is printed as a sentence, any other error with its stack.
 */
export async function runProgram(main: () => Promise<void>): Promise<void> {
  outliveReaders();
  try {
    await main();
  } catch (error) {
    if (signalledAt === undefined) exitWithError(error);
  }
}

/** Keeps the program running when the reader of its output ends, as in `npm start | head`. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
}

/**
 * Calls `stop` at the first signal, and then ends the program: with `status`, or with 1 if `stop`
 * failed. A second signal ends the program immediately.
 */
export function stopOnSignals(stop: () => Promise<void>, status = 0): void {
  const onSignal = onFirstSignal(() => {
    stop().then(() => process.exit(status), exitWithError);
  });
  whenNpmIsGone(onSignal);
}

/** How long a program that is to stop may go on opening its databases. */
const openWithinMs = 5_000;

/**
 * Closes what a program may still be opening. PostgreSQL may recover from a crash for minutes: if it does
 * not open in time, it ends with this process.
 */
export async function closeWhenOpen<Opened>(
  opening: Promise<Opened> | undefined,
  close: (opened: Opened) => Promise<void>,
): Promise<void> {
  const opened = await Promise.race([opening, sleep(openWithinMs, undefined, { ref: false })]);
  if (opened !== undefined) await close(opened);
}

/**
 * Calls back at the first signal that ends a program. A second one ends it immediately. Returns the
 * listener, for other reasons to end.
 */
export function onFirstSignal(callback: () => void): () => void {
  const onSignal = () => {
    if (signalledAt === undefined) {
      signalledAt = performance.now();
      callback();
    } else if (performance.now() - signalledAt > sameSignalMs) {
      process.exit(interruptedStatus);
    }
  };
  for (const signal of endingSignals) process.on(signal, onSignal);
  return onSignal;
}

/** Calls back when npm has ended: npm forwards SIGINT and SIGTERM only. */
function whenNpmIsGone(callback: () => void): void {
  if (npmPid === undefined) return;
  const watch = setInterval(() => {
    if (process.ppid === npmPid) return;
    clearInterval(watch);
    callback();
  }, parentEveryMs).unref();
}

/** Returns true for an error that the user can fix. Its message is printed, without its stack. */
export function isFixable(error: unknown): error is Error {
  return error instanceof Error && fixableErrors.has(error.name);
}

/** Ends the program with status 1, as `runProgram` does. */
export function exitWithError(error: unknown): never {
  if (isFixable(error)) process.stderr.write(`${error.message}\n`);
  else console.error(error);
  process.exit(1);
}
