import { parseArgs, type ParseArgsConfig } from "node:util";
import { CommandError } from "../../core/command-error.ts";

/** Parses the command line of a command. Throws CommandError with the usage. */
export function readCommandLine<Config extends ParseArgsConfig>(config: Config, usage: string) {
  try {
    return parseArgs(config);
  } catch (error) {
    const { message } = error as Error;
    // The next sentence is a hint about arguments that begin with a hyphen.
    throw new CommandError(`${message.split(/\.(?:\s|$)/, 1)[0] ?? message}. Usage: ${usage}`);
  }
}
