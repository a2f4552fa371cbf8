import type { Rules } from "./action-list.ts";

/** A completion for Node's readline: what can follow, and the part of the line that it replaces. */
export type Completion = [candidates: string[], replaced: string];

/**
 * Completes the last word of a line `call ACTION …`, `dcall NODE ACTION …` or `bench ACTION …`: a
 * flag, or the value of an enumeration. Returns undefined while the action is not yet typed.
 *
 * @param rulesOf returns the rules of an action's parameters
 */
export function completeCall(
  line: string,
  rulesOf: (action: string) => Rules,
): Completion | undefined {
  const [, action, rest] = /^\s*(?:call|bench|dcall\s+\S+)\s+(\S+)\s(.*)$/s.exec(line) ?? [];
  if (action === undefined || rest === undefined) return undefined;
  const words = rest.split(/\s+/);
  const word = words.pop() ?? "";
  const isInText = /['"]/.test(word) || (rest.split('"').length - 1) % 2 === 1;
  if (isInText) return [[], word];

  const rules = rulesOf(action);
  const [, last] = /^--([^=]+)$/.exec(words.at(-1) ?? "") ?? [];
  const values = last === undefined ? undefined : rules[last]?.values;
  if (values !== undefined) return completion(values, word);
  if (word !== "" && !word.startsWith("-")) return [[], word];
  const used = new Set(words.map((text) => text.replace(/=.*$/s, "")));
  const flags = Object.entries(rules)
    .filter(([name, { type }]) => type === "array" || !used.has(`--${name}`))
    .map(([name]) => `--${name}`);
  return completion(flags, word);
}

/** A single candidate gets a space, so that the next word can be typed. */
function completion(candidates: readonly string[], word: string): Completion {
  const found = candidates.filter((candidate) => candidate.startsWith(word));
  return [found.length === 1 ? [`${found[0] ?? ""} `] : found, word];
}
