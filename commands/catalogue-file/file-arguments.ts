import { extname } from "node:path";
import { CommandError } from "../../core/command-error.ts";
import { readCommandLine } from "../process/command-line.ts";

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
 */
export function fileArguments(
  args: readonly string[],
  { usage, hasDryRun }: { usage: string; hasDryRun: boolean },
): FileArguments {
  const wrong = (reason: string) => new CommandError(`${reason} Usage: ${usage}`);
  const { values, positionals } = readCommandLine(
    {
      args: [...args],
      allowPositionals: true,
      options: { format: { type: "string" }, "dry-run": { type: "boolean", default: false } },
    },
    usage,
  );
  const [file, ...others] = positionals;
  if (others.length > 0) throw wrong("Name one file.");
  if (file === "-") throw wrong('"-" is not the name of a file.');
  const isDryRun = values["dry-run"];
  if (isDryRun && !hasDryRun) throw wrong("This command has no --dry-run.");
  const extension = file === undefined ? "csv" : extname(file).slice(1).toLowerCase();
  const name = values.format ?? extension;
  if (name === "") throw wrong("The file has no extension; name csv or jsonl with --format.");
  const format = formats.get(name);
  if (format === undefined) {
    throw wrong(`The format "${name}" is unknown; name csv or jsonl with --format.`);
  }
  return { file, format, isDryRun };
}
