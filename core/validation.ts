import type { Errors } from "moleculer";
import type { ParamRule } from "./contract.ts";
import { timeOfId } from "./ids/ids.ts";
import { invisible } from "./invisible.ts";
import { badUserInput, type FieldViolation, type ClientError } from "./errors.ts";

/** The largest value of GraphQL's Int and PostgreSQL's integer. */
export const maxInt = 2_147_483_647;

/** The maximum and the default number of rows of a list. */
export const maxListRows = 1000;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const newIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
/** No control characters except tab and line ends, and no lone surrogates (invalid in UTF-8). */
const plainText = /^(?:[\t\n\r]|[^\p{Cc}\p{Cs}])*$/u;

const instantPattern =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** Returns true for an id in lower or upper case. */
export function isId(value: unknown): value is string {
  return typeof value === "string" && uuidPattern.test(value);
}

/** The rule of an id. The validator changes it to lower case, like PostgreSQL does. */
export function id(): ParamRule {
  return {
    type: "string",
    pattern: uuidPattern,
    lowercase: true,
    messages: { stringPattern: "'{field}' must be an id (a UUID)." },
  };
}

/** The rule of an id for a new row: a UUID of version 7, as `newId` returns it, not of the future. */
export function newIdRule(): ParamRule {
  return {
    ...id(),
    pattern: newIdPattern,
    custom: notInFuture,
    messages: {
      stringPattern: "'{field}' must be a UUID of version 7.",
      stringFuture: "'{field}' has a time in the future.",
    },
  };
}

/** The clock of the shop that has made an id can be ahead. */
const clockToleranceMs = 86_400_000;

/** Rows are sorted by their ids: one from the future would stay before all new ones. */
function notInFuture(value: unknown, findings: Findings): unknown {
  if (typeof value !== "string" || !newIdPattern.test(value)) return value;
  const isFuture = Date.parse(timeOfId(value)) > Date.now() + clockToleranceMs;
  if (isFuture) findings.push({ type: "stringFuture" });
  return value;
}

/** The rule of a list of at most `max` ids. */
export function ids(max: number): ParamRule {
  return { type: "array", items: id(), max };
}

/** Bidirectional embeddings, overrides and isolates: they reorder the text around them. */
const reordersText = /[\u202A-\u202E\u2066-\u2069]/;
/** Letters, digits and signs, except invisible ones: a Hangul filler, a Braille blank. */
const visible = new RegExp(String.raw`[[\p{L}\p{N}\p{P}\p{S}]--[${invisible}]]`, "v");

/** Returns a text in the form for storage and comparison: NFC, without a byte order mark. */
export function normalized(value: string): string {
  return value.replace(/^\uFEFF+/, "").normalize("NFC");
}

/** Findings of a custom check. A rule's `messages` has the message of each type. */
type Findings = { type: string }[];

/** Checks of a text that the validator does not have. */
function legible(value: unknown, findings: Findings, { min }: { min: number }): unknown {
  // The validator reports these itself.
  if (typeof value !== "string" || !plainText.test(value)) return value;
  if (reordersText.test(value)) findings.push({ type: "stringTurns" });
  if (min > 0 && value !== "" && !visible.test(value)) findings.push({ type: "stringBlank" });
  return value;
}

/**
 * The rule of a text between `min` and `max` characters that PostgreSQL can store and people can
 * read. Handlers receive it normalized. With `min` > 0 it must have a visible character.
 */
export function text(min: number, max: number): ParamRule {
  const rule = exactText(min, max);
  const messages = {
    ...(rule.messages as object),
    stringTurns: "'{field}' contains characters that turn the direction of the text around them.",
    stringBlank: "'{field}' must contain a letter, a digit or a sign that can be seen.",
  };
  return { ...rule, isNormalized: true, messages, custom: legible };
}

/** Tabs, and all that begins a new line. */
const breaksLine = /[\t\n\r\u2028\u2029]/;

/** The rule of a `text` of one line, such as a name: in a list or a log, it cannot look like two rows. */
export function line(min: number, max: number): ParamRule {
  return checkedText(min, max, "stringLines", "must be one line, without tabs.", (value) =>
    breaksLine.test(value),
  );
}

/** Words of visible characters, with single spaces between them. */
const codeForm = new RegExp(String.raw`^(?:[^\s\p{C}${invisible}]+(?: (?!$)|$))+$`, "v");

/** The rule of a `text` that people compare, such as an SKU: two that look alike are equal. */
export function code(min: number, max: number): ParamRule {
  const requirement =
    "must consist of visible characters, with single spaces between them and none outside.";
  return checkedText(min, max, "stringCode", requirement, (value) => !codeForm.test(value));
}

/** Returns the rule of a text with a further check. */
function checkedText(
  min: number,
  max: number,
  type: string,
  requirement: string,
  isFault: (value: string) => boolean,
): ParamRule {
  const rule = text(min, max);
  return {
    ...rule,
    messages: { ...(rule.messages as object), [type]: `'{field}' ${requirement}` },
    custom(value: unknown, findings: Findings, schema: { min: number }) {
      const before = findings.length;
      legible(value, findings, schema);
      const isPlain = typeof value === "string" && value !== "" && plainText.test(value);
      if (isPlain && findings.length === before && isFault(value)) findings.push({ type });
      return value;
    },
  };
}

/** The rule of a text that is not normalized, e.g. a password, a token or an event's data. */
export function exactText(min: number, max: number): ParamRule {
  return {
    type: "string",
    min,
    max,
    pattern: plainText,
    messages: { stringPattern: "'{field}' contains characters that cannot be stored." },
  };
}

/** The rule of an ISO 8601 time with its time zone. */
export function instant(): ParamRule {
  return {
    type: "string",
    pattern: instantPattern,
    custom: onCalendar,
    messages: {
      stringPattern: "'{field}' must be a time, e.g. 2026-01-31T12:00:00Z.",
      stringCalendar: "'{field}' must be a time on a day that exists.",
    },
  };
}

function onCalendar(value: unknown, findings: Findings): unknown {
  if (typeof value !== "string" || !instantPattern.test(value)) return value;
  if (!isOnCalendar(value)) findings.push({ type: "stringCalendar" });
  return value;
}

/**
 * Returns false for a day that does not exist: `Date` reads the 30th of February as the 2nd of
 * March. `time` starts with a date in the form of ISO 8601.
 */
export function isOnCalendar(time: string): boolean {
  const [year = 0, month = 0, day = 0] = time.slice(0, 10).split("-").map(Number);
  // The calendar repeats every 400 years. `Date` reads a year below 100 as 19xx.
  const daysOfMonth = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  return year !== 0 && day <= daysOfMonth;
}

/** The rule of a whole number between `min` and `max`. */
export function int(min: number, max: number = maxInt): ParamRule {
  return { type: "number", integer: true, min, max };
}

/** The rule of a whole number of either sign. */
export function anyInt(): ParamRule {
  return int(-maxInt);
}

/** The rule of an enumeration. */
export function oneOf(values: readonly string[]): ParamRule {
  return { type: "enum", values: [...values] };
}

/** Allows null. For events only: a parameter that is null counts as not given. */
export function nullable(rule: ParamRule): ParamRule {
  return { ...rule, nullable: true };
}

export function optional(rule: ParamRule): ParamRule {
  return { ...rule, optional: true };
}

/** The rules of `Page`. */
export const pageRules = { limit: optional(int(1, maxListRows)), offset: optional(int(0)) };

export interface Page {
  limit?: number;
  offset?: number;
}

/** The rules of `ListPage`. */
export const listRules = { ...pageRules, after: optional(id()) };

/**
 * A part of a list in the order of its ids. A client that reads a list in parts uses `after`: an
 * `offset` would skip rows when earlier rows are removed meanwhile.
 */
export interface ListPage extends Page {
  /** The list starts after this id, and `offset` counts from there. */
  after?: string;
}

/**
 * Returns a function that prepares parameters for the validator: it removes those that are null,
 * which the validator accepts for an optional parameter, and normalizes texts, so that the validator
 * measures the text that is stored.
 */
export function inputCleaner(rules: object): (params: unknown) => unknown {
  const texts = textsIn(rules);
  return (params) => withNormalized(texts, withoutNulls(params));
}

interface TextRule {
  isNormalized?: true;
  items?: TextRule;
}

/** Returns the names of the parameters that are normalized texts, or lists of them. */
function textsIn(rules: object): string[] {
  return Object.entries(rules as Record<string, TextRule | boolean>)
    .filter(
      ([, rule]) => typeof rule === "object" && (rule.isNormalized ?? rule.items?.isNormalized),
    )
    .map(([name]) => name);
}

function withNormalized(texts: readonly string[], params: unknown): unknown {
  if (texts.length === 0 || typeof params !== "object" || params === null) return params;
  const values = params as Record<string, unknown>;
  const given = texts.filter((name) => values[name] !== undefined);
  if (given.length === 0) return params;
  const changed = given.map((name) => [name, normalizedValue(values[name])] as const);
  return { ...params, ...Object.fromEntries(changed) };
}

function normalizedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalizedValue);
  return typeof value === "string" ? normalized(value) : value;
}

function withoutNulls(params: unknown): unknown {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return params;
  if (!Object.values(params).includes(null)) return params;
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null));
}

/** Returns BAD_USER_INPUT for the validator's findings, without values: these may be secret. */
export function clientErrorOf({ data }: Pick<Errors.ValidationError, "data">): ClientError {
  const findings = Array.isArray(data) ? (data as Finding[]) : [];
  const fields: FieldViolation[] = findings
    .slice(0, maxReportedViolations)
    .map(({ field, message }) => ({ field: field ?? "", message: message ?? "" }));
  return badUserInput(
    fields.length > 0 ? fields : [{ field: "", message: "The input is not valid." }],
  );
}

/** The maximum number of broken rules that BAD_USER_INPUT names. */
export const maxReportedViolations = 20;

interface Finding {
  field?: string;
  message?: string;
}
