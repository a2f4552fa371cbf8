import { extname } from "node:path";
import { parseArgs } from "node:util";
import { CommandError } from "../../core/command-error.ts";

export type FileFormat = "csv" | "jsonl";

const formats: ReadonlyMap<string, FileFormat> = new Map([
  ["csv", "csv"],
  ["jsonl", "jsonl"],
  ["ndjson", "jsonl"],
]);

/** The arguments of `npm run import` and `npm run export`. */
export interface FileArguments {
  /** Undefined for standard output. */
  file: string | undefined;
  format: FileFormat;
  isDryRun: boolean;
}

/**
 * Reads the arguments. Without `--format`, the extension of the file names the format. Throws
 * CommandError with the usage.
 *
 * @param usage the command and its arguments
 * @param canDryRun whether the command has `--dry-run`
 */
export function fileArguments(
  args: readonly string[],
  usage: string,
  canDryRun: boolean,
): FileArguments {
  const wrong = (reason: string) => new CommandError(`${reason} Usage: ${usage}`);
  const { values, positionals } = parsed(args, wrong);
  const [file, ...others] = positionals;
  if (others.length > 0) throw wrong("Name one file.");
  if (file === "-") throw wrong('"-" is not the name of a file.');
  const isDryRun = values["dry-run"] ?? false;
  if (isDryRun && !canDryRun) throw wrong("This command has no --dry-run.");
  const extension = file === undefined ? "csv" : extname(file).slice(1).toLowerCase();
  const name = values.format ?? extension;
  if (name === "") throw wrong("The file has no extension; name csv or jsonl with --format.");
  const format = formats.get(name);
  if (format === undefined) {
    throw wrong(`The format "${name}" is unknown; name csv or jsonl with --format.`);
  }
  return { file, format, isDryRun };
}

function parsed(args: readonly string[], wrong: (reason: string) => CommandError) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { format: { type: "string" }, "dry-run": { type: "boolean" } },
    });
  } catch (error) {
    const { message } = error as Error;
    // The next sentence is a hint about names of files that begin with a hyphen.
    throw wrong(`${message.split(/\.(?:\s|$)/, 1)[0] ?? message}.`);
  }
}
