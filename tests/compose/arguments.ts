import { parseArgs } from "node:util";

export const usage = `npm run test:compose -- [options]

  --seconds N    how long the scaled shop is under load, in seconds (default 120, minimum 20)
  --help         prints this help

Requires a Docker engine, and Compose 2 or docker-compose 1.29. The exit status is 0 if all steps pass.
`;

/** An invalid command line. The message is shown to the user without a stack trace. */
export class ArgumentError extends Error {}

/** Parses the command line. Throws an ArgumentError. */
export function readArguments(args: string[]): { loadMs: number; help: boolean } {
  let values: { seconds?: string; help?: boolean };
  try {
    const options = { seconds: { type: "string" }, help: { type: "boolean" } } as const;
    ({ values } = parseArgs({ args, options }));
  } catch (error) {
    throw new ArgumentError(error instanceof Error ? error.message : String(error));
  }
  const seconds = Number(values.seconds ?? "120");
  if (!(seconds >= 20 && seconds <= 3_600)) {
    throw new ArgumentError("--seconds must be a number from 20 to 3600.");
  }
  return { loadMs: seconds * 1_000, help: values.help ?? false };
}
