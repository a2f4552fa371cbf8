import { parseArgs } from "node:util";
import { numberOf, readArgument } from "../../tools/support/arguments.ts";

export const usage = `npm run test:compose -- [options]

  --seconds N    how long the scaled shop is under load, in seconds (default 120, minimum 20)
  --help         prints this help

Requires a Docker engine, and Compose 2 or docker-compose 1.29. The exit status is 0 if all steps pass.
`;

const options = { seconds: { type: "string" }, help: { type: "boolean" } } as const;

/** Parses the command line. Throws an ArgumentError. */
export function readArguments(args: string[]): { loadMs: number; help: boolean } {
  const { values } = readArgument(() => parseArgs({ args, options }));
  const seconds = numberOf("--seconds", values.seconds ?? "120", { min: 20, max: 3_600 });
  return { loadMs: seconds * 1_000, help: values.help ?? false };
}
