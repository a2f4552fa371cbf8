import { isRunByNpm } from "../config/config.ts";

/** Errors whose message is all that a person needs to mend what is wrong. */
const sentences = new Set(["ConfigError", "StartError", "ListenError", "ServiceSchemaError"]);

/** What shells give a program that Ctrl-C has ended. */
export const interruptedStatus = 130;
/** npm hands a terminal's Ctrl-C on to a program that has had it from the terminal already. */
const sameSignalMs = 500;

/** npm, where it has started this program. */
const parent = process.ppid;
/** How often a program that npm has started looks whether npm is still there. */
const parentEveryMs = 250;

/** When the first signal came: what fails after it fails because it is being stopped. */
let signalledAt: number | undefined;

/** Whether a signal has come: what is still starting then is going to be stopped. */
export function isStopping(): boolean {
  return signalledAt !== undefined;
}

/**
 * Runs a command's `main`. What it throws ends the program with status 1: as a sentence where it
 * is the user's to mend, with its stack otherwise.
 */
export async function runProgram(main: () => Promise<void>): Promise<void> {
  outliveReaders();
  try {
    await main();
  } catch (error) {
    if (signalledAt === undefined) fail(error);
  }
}

/** Whoever reads the output may go, as in `npm start | head`: that is no reason to end. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
}

/**
 * Calls `stop` once at the first SIGINT, SIGTERM or SIGHUP and ends the program after it, with this
 * status when it went well. A second signal ends it at once.
 */
export function stopOnSignals(stop: () => Promise<void>, status = 0): void {
  const onSignal = () => {
    if (signalledAt === undefined) {
      signalledAt = performance.now();
      stop().then(() => process.exit(status), fail);
    } else if (performance.now() - signalledAt > sameSignalMs) {
      process.exit(interruptedStatus);
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  whenNpmIsGone(onSignal);
}

/** Calls back when npm has ended without a word: it hands on SIGINT and SIGTERM only. */
function whenNpmIsGone(callback: () => void): void {
  if (!isRunByNpm()) return;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    callback();
  }, parentEveryMs).unref();
}

/** Whether its message says all, so that nobody needs its stack. */
export function isSentence(error: unknown): error is Error {
  return error instanceof Error && sentences.has(error.name);
}

/** Ends the program with status 1, as `runProgram` does. */
export function fail(error: unknown): never {
  if (isSentence(error)) process.stderr.write(`${error.message}\n`);
  else console.error(error);
  process.exit(1);
}
