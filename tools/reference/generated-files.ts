import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";

const projectDir = join(import.meta.dirname, "..", "..");

/** A file of the project that a command generates. */
export interface GeneratedFile {
  /** Relative to the project's folder. */
  path: string;
  text: string;
}

/** Returns a file with its text in the format of the project. */
export async function formatted(path: string, text: string): Promise<GeneratedFile> {
  const filepath = join(projectDir, path);
  const options = await resolveConfig(filepath);
  return { path, text: await format(text, { ...options, filepath }) };
}

/** Returns the text of a file as it is in the project. */
export function currentText({ path }: GeneratedFile): string {
  return readFileSync(join(projectDir, path), "utf8");
}

/** Writes generated files, and prints their paths. */
export function writeFiles(files: readonly GeneratedFile[]): void {
  for (const { path, text } of files) {
    writeFileSync(join(projectDir, path), text);
    console.log(path);
  }
}
