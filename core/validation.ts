import type { Errors } from "moleculer";
import type { ParamRule } from "./contract.ts";
import { badUserInput, type FieldFault, type ClientError } from "./errors.ts";

/** The largest value of GraphQL's Int and PostgreSQL's integer. */
export const maxInt = 2_147_483_647;

/** Rows a list gives at most, and by default. */
export const maxListRows = 1000;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** No control characters but tab and line ends, and no lone surrogates, which are no UTF-8. */
const plainText = /^(?:[\t\n\r]|[^\p{Cc}\p{Cs}])*$/u;

const instantPattern =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** Whether something is an id, in small letters or capitals. */
export function isId(value: unknown): value is string {
  return typeof value === "string" && uuidPattern.test(value);
}

/** An id as this shop gives them; capital letters are made small, as PostgreSQL does. */
export function id(): ParamRule {
  return {
    type: "string",
    pattern: uuidPattern,
    lowercase: true,
    messages: { stringPattern: "'{field}' must be an id (a UUID)." },
  };
}

/** Several ids, at most `max`. */
export function ids(max: number): ParamRule {
  return { type: "array", items: id(), max };
}

/** Embeddings, overrides and isolates: they turn around what stands before and behind a text. */
const turnsText = /[\u202A-\u202E\u2066-\u2069]/;
/** Letters, digits, signs, but for those that are drawn as nothing: a Hangul filler, a Braille blank. */
const visible = /[[\p{L}\p{N}\p{P}\p{S}]--[\p{Default_Ignorable_Code_Point}\u{2800}]]/v;

/** A text as it is compared and kept: in one Unicode normalization, without a byte order mark. */
export function normalized(value: string): string {
  return value.replace(/^\uFEFF+/, "").normalize("NFC");
}

/** A finding of the validator: a type that it has a message for, besides its own. */
type Findings = { type: string }[];

/** What the validator's own checks of a text cannot say. */
function legible(value: unknown, findings: Findings, { min }: { min: number }): unknown {
  // Else there is something worse to say.
  if (typeof value !== "string" || !plainText.test(value)) return value;
  if (turnsText.test(value)) findings.push({ type: "stringTurns" });
  if (min > 0 && value !== "" && !visible.test(value)) findings.push({ type: "stringBlank" });
  return value;
}

/**
 * Text between `min` and `max` characters that PostgreSQL can store and people can read. It
 * reaches the handler `normalized`. One that must not be empty has something in it that is seen.
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

/** Text between `min` and `max` characters of which each counts: a password, a token, an event's. */
export function exactText(min: number, max: number): ParamRule {
  return {
    type: "string",
    min,
    max,
    pattern: plainText,
    messages: { stringPattern: "'{field}' contains characters that cannot be stored." },
  };
}

/** A moment, in ISO 8601 with its time zone. */
export function instant(): ParamRule {
  return {
    type: "string",
    pattern: instantPattern,
    custom: onCalendar,
    messages: {
      stringPattern: "'{field}' must be a time, e.g. 2026-01-31T12:00:00Z.",
      stringCalendar: "'{field}' must be a time on a day that there is.",
    },
  };
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function onCalendar(value: unknown, findings: Findings): unknown {
  if (typeof value !== "string" || !instantPattern.test(value)) return value;
  const [year = 0, month = 0, day = 0] = value.slice(0, 10).split("-").map(Number);
  // The same in each 400 years; years below 100 mean others to `Date`.
  const daysOfMonth = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  if (year === 0 || day > daysOfMonth) findings.push({ type: "stringCalendar" });
  return value;
}

/** A whole number between `min` and `max`. */
export function int(min: number, max: number = maxInt): ParamRule {
  return { type: "number", integer: true, min, max };
}

/** A whole number of either sign. */
export function anyInt(): ParamRule {
  return int(-maxInt);
}

/** One of these texts. */
export function oneOf(values: readonly string[]): ParamRule {
  return { type: "enum", values: [...values] };
}

/** Null, or what the rule says. Of events only: parameters that are null count as not given. */
export function nullable(rule: ParamRule): ParamRule {
  return { ...rule, nullable: true };
}

export function optional(rule: ParamRule): ParamRule {
  return { ...rule, optional: true };
}

/** `limit` and `offset` of the plain lists. */
export const pageRules = { limit: optional(int(1, maxListRows)), offset: optional(int(0)) };

export interface Page {
  limit?: number;
  offset?: number;
}

/** The rules of `ListPage`, for lists in the order of their ids. */
export const listRules = { ...pageRules, after: optional(id()) };

/**
 * A part of a list that is in the order of its ids. Whoever reads a list in several parts goes on
 * with `after`: an `offset` would skip rows when earlier ones are removed meanwhile.
 */
export interface ListPage extends Page {
  /** The rows behind this id; `offset` counts from there. */
  after?: string;
}

/** Turns the validator's findings into BAD_USER_INPUT. Values stay out of it: they may be secret. */
export function clientErrorOf(error: Errors.ValidationError): ClientError {
  const findings = Array.isArray(error.data) ? (error.data as Finding[]) : [];
  const fields: FieldFault[] = findings
    .slice(0, maxReportedFaults)
    .map(({ field, message }) => ({ field: field ?? "", message: message ?? "" }));
  return badUserInput(
    fields.length > 0 ? fields : [{ field: "", message: "The input is not valid." }],
  );
}

const maxReportedFaults = 20;

interface Finding {
  field?: string;
  message?: string;
}
