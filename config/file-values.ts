import { isIP } from "node:net";
import { resolve } from "node:path";

/** A value that was read from a file, and the words that messages show in its place. */
interface FileValue {
  value: string;
  source: string;
}

/** By the name of the setting. Only settings whose values later messages show. */
const fileValues = new Map<string, FileValue>();

/** Returns the words that name the file of a setting. */
export function sourceOf(name: string, path: string): string {
  return `(read from "${path}", which ${name}_FILE names)`;
}

/** Remembers a value that messages must not show: a file mixed up with another one may be a secret. */
export function hideFileValue(name: string, value: string, path: string): void {
  fileValues.set(name, { value, source: sourceOf(name, path) });
}

/** Forgets the value of a setting, which the environment itself contains now. */
export function showValue(name: string): void {
  fileValues.delete(name);
}

/** Replaces the values of settings that were read from files by the names of the files. */
export function withoutFileValues(text: string): string {
  let result = text;
  for (const { value, source } of fileValues.values()) {
    // An address is no secret, and the examples of messages contain some.
    if (isIP(value) !== 0 || value === "localhost") continue;
    // Messages contain paths as they were set, or in full.
    for (const shown of new Set([resolve(value), value])) {
      // Not a folder such as ".": messages have full stops.
      if (!/[\p{L}\p{N}]/u.test(shown)) continue;
      const literal = shown.replace(/[^\w\s]/g, String.raw`\$&`);
      const pattern = new RegExp(`(?<![\\w-])${literal}(?![\\w-])`, "g");
      result = result.replace(pattern, () => source);
    }
  }
  return result;
}
