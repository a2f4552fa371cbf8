import { readFileSync } from "node:fs";
import type { Environment } from "../measuring/machine.ts";
import type { Noise } from "../measuring/noise.ts";
import type { Failure, Result } from "./results.ts";

/** The version of the format of `results.json`. */
export const format = 2;

/** The content of `results.json`. */
export interface ResultsFile extends Environment {
  format: typeof format;
  /** The start of the run. */
  at: string;
  /** The arguments of the command. */
  arguments: string[];
  noise: Noise;
  results: Result[];
  failures: Failure[];
}

/** A results file that cannot be used. The message is for the user. */
export class ResultsFileError extends Error {
  override readonly name = "ResultsFileError";
}

/**
 * Reads a results file.
 *
 * @throws ResultsFileError if it is missing or from another version of the benchmark
 */
export function readResultsFile(path: string): ResultsFile {
  let content: Partial<ResultsFile>;
  try {
    content = JSON.parse(readFileSync(path, "utf8")) as Partial<ResultsFile>;
  } catch (error) {
    throw new ResultsFileError(`${path} cannot be read: ${(error as Error).message}`);
  }
  if (content.format !== format || !Array.isArray(content.results)) {
    throw new ResultsFileError(
      `${path} is no results file of this version of the benchmark (format ${format}).`,
    );
  }
  return content as ResultsFile;
}
