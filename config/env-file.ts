import { lstatSync } from "node:fs";
import { parseEnv } from "node:util";
import { readTextFile } from "../core/text-file.ts";
import { ConfigError } from "./config-reader.ts";
import { sections } from "./settings.ts";

/** Returns the variables of a file, or none if it does not exist. Throws ConfigError. */
export function readEnvFile(path: string): NodeJS.ProcessEnv {
  if (!isEntry(path)) return {};
  const text = textOf(path);
  const lines = otherLines(text);
  if (lines.length > 0) {
    const list = new Intl.ListFormat("en-GB").format(lines.map(String));
    const where = lines.length === 1 ? `line ${list}` : `lines ${list}`;
    // Without the text of the line, which may contain a secret.
    throw new ConfigError(`The file ${path} has no NAME=value in ${where}; for example PORT=8080.`);
  }
  return parseEnv(text);
}

/** In the environment, other programs have variables with short names. */
const minEnvironmentName = 6;

/** Returns a sentence for each variable of `.env` whose name differs little from that of a setting. */
export function misspellingsInFile(variables: NodeJS.ProcessEnv): string[] {
  return misspellings(Object.keys(variables), ".env");
}

/** Like `misspellingsInFile`, for the environment. Ignores short names. */
export function misspellingsInEnvironment(env: NodeJS.ProcessEnv): string[] {
  const names = Object.keys(env).filter((name) => name.length >= minEnvironmentName);
  return misspellings(names, "The environment");
}

function misspellings(names: readonly string[], where: string): string[] {
  const settings = sections.flatMap((section) => Object.keys(section.settings));
  const known = [...settings, ...settings.map((name) => `${name}_FILE`)];
  return names.flatMap((name) => {
    if (known.includes(name)) return [];
    const meant = known.find((setting) => isOneMistake(name.toUpperCase(), setting));
    return meant === undefined
      ? []
      : [`${where} sets ${name}, which is no setting; did you mean ${meant}?`];
  });
}

/** Returns true if texts are equal but for one letter, or for two letters in the wrong order. */
function isOneMistake(text: string, other: string): boolean {
  const shorter = Math.min(text.length, other.length);
  let start = 0;
  while (start < shorter && text[start] === other[start]) start += 1;
  let end = 0;
  while (end < shorter - start && text.at(-1 - end) === other.at(-1 - end)) end += 1;
  const [a = "", b = ""] = [text, other].map((whole) => whole.slice(start, whole.length - end));
  const isSwap = a.length === 2 && a === `${b.slice(1)}${b.slice(0, 1)}`;
  return (a.length < 2 && b.length < 2) || isSwap;
}

function textOf(path: string): string {
  try {
    // Node's parser joins lines that end with a carriage return alone, and takes the line after a
    // value of blanks for the value.
    return readTextFile(path)
      .replace(/\r\n?/g, "\n")
      .replace(/^([ \t]*(?:export[ \t]+)?[\w.-]+[ \t]*=)[ \t]+$/gm, "$1");
  } catch (cause) {
    throw new ConfigError(`The file ${path} ${(cause as Error).message}.`, { cause });
  }
}

/**
 * Returns the numbers of the lines that are neither empty, a comment, NAME=value nor inside of a
 * quoted value. Node's parser ignores them without a message.
 */
function otherLines(text: string): number[] {
  const found: number[] = [];
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index]?.trim() ?? "";
    if (line === "" || line.startsWith("#")) continue;
    const [, value] = /^(?:export\s+)?[\w.-]+\s*=\s*(.*)$/.exec(line) ?? [];
    if (value === undefined) found.push(index + 1);
    else index += linesInQuotes(value, lines.slice(index + 1));
  }
  return found;
}

/** Returns how many of the next lines belong to a value. A quote that is not closed is a plain one. */
function linesInQuotes(value: string, next: readonly string[]): number {
  const [quote = ""] = value;
  if (!["'", '"', "`"].includes(quote) || value.indexOf(quote, 1) > 0) return 0;
  return next.findIndex((line) => line.includes(quote)) + 1;
}

/** Returns true for a symbolic link to nothing, too: its settings are missing. */
function isEntry(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // The user may not enter the working directory.
    return false;
  }
}
