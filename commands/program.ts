/** Errors whose message is all that a person needs to mend what is wrong. */
const sentences = new Set(["ConfigError", "StartError", "ListenError"]);

const secondSignalExitCode = 130;

/**
 * Runs a command's `main`. What it throws ends the program with status 1: as a sentence where it
 * is the user's to mend, with its stack otherwise.
 */
export async function runProgram(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (error instanceof Error && sentences.has(error.name))
      process.stderr.write(`${error.message}\n`);
    else console.error(error);
    process.exit(1);
  }
}

/**
 * Calls `stop` once at the first SIGINT, SIGTERM or SIGHUP and ends the program after it: with 0
 * when it went well. A second signal ends it at once.
 */
export function stopOnSignals(stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = () => {
    if (stopping) process.exit(secondSignalExitCode);
    stopping = true;
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
}
