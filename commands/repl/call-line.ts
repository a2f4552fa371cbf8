import type { Rule, Rules } from "./action-list.ts";

/** A word of a line. A quoted word is never a flag. */
export interface Word {
  text: string;
  isQuoted: boolean;
}

/** The call that a line describes. */
export interface Call {
  nodeId: string | undefined;
  action: string;
  params: unknown;
  meta: Record<string, unknown>;
  /** Calling options, e.g. `timeout`. */
  options: Record<string, unknown>;
}

/** A line that is no valid call. The message says why. */
export class LineFault extends Error {}

/** Flags that Moleculer's command handles: help and files. */
const filesAndHelp = /^(?:-h|--(?:help|load|loadFull|stream|save)(?:=|$))/;

/**
 * Reads a line `call ACTION …` or `dcall NODE ACTION …`. Returns undefined for any other line, and
 * if the parameters are in a file. The rules of the action determine whether a flag's value is a
 * number or a text. Throws LineFault.
 *
 * @param rulesOf the rules of an action's parameters
 */
export function readCall(line: string, rulesOf: (action: string) => Rules): Call | undefined {
  if (!/^\s*d?call\s/.test(line)) return undefined;
  const words = wordsOf(line);
  if (words.some(({ text, isQuoted }) => !isQuoted && filesAndHelp.test(text))) return undefined;
  const names = words.splice(0, words[0]?.text === "dcall" ? 3 : 2).map(({ text }) => text);
  const action = names.pop() ?? "";
  const nodeId = names.length > 1 ? names[1] : undefined;
  if (names.length === 0 || action.startsWith("-")) return undefined;

  return callOf({ nodeId, action }, words, rulesOf(action));
}

/** Reads the words behind the name of an action: its parameters, `meta` and calling options. */
export function callOf(
  { nodeId, action }: Pick<Call, "nodeId" | "action">,
  words: readonly Word[],
  rules: Rules,
): Call {
  const { flags, others } = sorted(words);
  const [json, metaJson, ...more] = others;
  if (more.length > 0 || (json !== undefined && !/^\s*[[{]/.test(json))) {
    const stray = more[0] ?? json ?? "";
    throw new LineFault(
      `“${stray}” belongs to no flag: put a value with spaces into quotation marks.`,
    );
  }
  const call: Call = { nodeId, action, params: {}, meta: {}, options: {} };
  const params: Record<string, unknown> = {};
  for (const [flag, texts] of flags) {
    if (flag.startsWith("#")) call.meta[flag.slice(1)] = valueOf(texts, undefined);
    else if (flag.startsWith("$")) call.options[flag.slice(1)] = valueOf(texts, undefined);
    else setParameter(params, flag.replace(/^@/, ""), texts, rules);
  }
  call.params = json === undefined ? params : { ...(parsed(json) as object), ...params };
  if (json !== undefined && Array.isArray(parsed(json))) call.params = parsed(json);
  if (metaJson !== undefined) Object.assign(call.meta, parsed(metaJson));
  return call;
}

/**
 * Splits a line into words. Quotation marks group at the start of a word, and after the `=` of a
 * flag; in the middle of a word they are plain characters. In double quotation marks, \\" is a
 * quotation mark and \\\\ a backslash. JSON needs no quotation marks.
 */
export function wordsOf(line: string): Word[] {
  const words: Word[] = [];
  let rest = line.trimStart();
  while (rest !== "") {
    const [flag = ""] = /^--[^\s='"]+=/.exec(rest) ?? [];
    const { text, length, isQuoted } = wordAt(rest.slice(flag.length));
    words.push({ text: flag + text, isQuoted: isQuoted && flag === "" });
    rest = rest.slice(flag.length + length).trimStart();
  }
  return words;
}

function wordAt(text: string): Word & { length: number } {
  const [first = ""] = text;
  if (first === '"' || first === "'") {
    const quoted = first === '"' ? /^"((?:[^"\\]|\\[^])*)"(?!\S)/ : /^'([^']*)'(?!\S)/;
    const [whole, inner = ""] = quoted.exec(text) ?? [];
    if (whole === undefined) {
      throw new LineFault(`A quotation mark is not closed, or no space follows it: ${text}`);
    }
    const plain = first === '"' ? inner.replace(/\\(["\\])/g, "$1") : inner;
    return { text: plain, length: whole.length, isQuoted: true };
  }
  if (first === "{" || first === "[") {
    const end = endOfJson(text);
    return { text: text.slice(0, end), length: end, isQuoted: true };
  }
  const [word = ""] = /^\S*/.exec(text) ?? [];
  return { text: word, length: word.length, isQuoted: false };
}

/** Returns the offset after the bracket that closes the first bracket of a text. */
function endOfJson(text: string): number {
  let depth = 0;
  for (const { 0: part, index } of text.matchAll(/"(?:[^"\\]|\\[^])*"|[[\]{}]/g)) {
    if (part === "{" || part === "[") depth += 1;
    if (part === "}" || part === "]") depth -= 1;
    if (depth === 0) return index + part.length;
  }
  throw new LineFault(`A bracket is not closed: ${text}`);
}

/** Separates flags with their values (`true` for a flag without a value) from other words. */
function sorted(words: readonly Word[]): {
  flags: Map<string, (string | true)[]>;
  others: string[];
} {
  const flags = new Map<string, (string | true)[]>();
  const others: string[] = [];
  const isFlag = (word: Word | undefined) => word?.isQuoted === false && /^--./.test(word.text);
  for (let at = 0; at < words.length; at += 1) {
    const { text = "" } = words[at] ?? {};
    if (!isFlag(words[at])) {
      others.push(text);
      continue;
    }
    const [, name = "", value] = /^--([^=]+)(?:=([^]*))?$/.exec(text) ?? [];
    const next = words[at + 1];
    const takesNext = value === undefined && next !== undefined && !isFlag(next);
    if (takesNext) at += 1;
    const flagValue = value ?? (takesNext ? next.text : true);
    flags.set(name, [...(flags.get(name) ?? []), flagValue]);
  }
  return { flags, others };
}

function setParameter(
  params: Record<string, unknown>,
  flag: string,
  texts: (string | true)[],
  rules: Rules,
): void {
  const isList = flag.endsWith("[]");
  const name = isList ? flag.slice(0, -2) : flag;
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  const negated = /^no-(.+)/.exec(name)?.[1];
  if (rule === undefined && negated !== undefined && texts[0] === true) {
    put(params, [negated], false);
  } else if (rule === undefined && name.includes(".")) {
    put(params, name.split("."), valueOf(texts, undefined));
  } else {
    put(params, [name], valueOf(texts, isList ? { type: "array", ...rule } : rule));
  }
}

/** Sets a nested property. Names like `__proto__` are plain names. */
function put(object: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = "", ...rest] = path;
  const existing = Object.hasOwn(object, name) ? object[name] : undefined;
  const inner = typeof existing === "object" && existing !== null ? existing : {};
  if (rest.length > 0) put(inner as Record<string, unknown>, rest, value);
  Object.defineProperty(object, name, {
    value: rest.length > 0 ? inner : value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

/** Converts texts by a rule. A text of another type stays a text, and the action rejects it. */
function valueOf(texts: readonly (string | true)[], rule: Rule | undefined): unknown {
  const [first = true, ...more] = texts;
  if (rule?.type === "array") {
    if (more.length === 0 && typeof first === "string" && first.startsWith("["))
      return parsed(first);
    return texts.map((text) => oneValueOf(text, rule.items));
  }
  // The action rejects a repeated flag that is no list.
  return more.length > 0 ? texts.map((text) => oneValueOf(text, rule)) : oneValueOf(first, rule);
}

function oneValueOf(text: string | true, rule: Rule | undefined): unknown {
  const type = rule?.type ?? "any";
  if (text === true || ["string", "enum", "email", "url", "uuid"].includes(type)) return text;
  if (type === "number") return isNumber(text) ? Number(text) : text;
  if (type === "boolean" || type === "any") {
    if (text === "true") return true;
    if (text === "false") return false;
  }
  if (type === "boolean") return text;
  if (/^\s*[[{]/.test(text)) return parsed(text);
  // Without a rule, only the canonical form of a number is converted: 007 stays a text.
  return isNumber(text) && String(Number(text)) === text ? Number(text) : text;
}

function isNumber(text: string): boolean {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new LineFault(`This is no JSON (${(error as Error).message}): ${json}`);
  }
}
