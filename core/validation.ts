import type { Errors } from "moleculer";
import type { ParamRule } from "./contract.ts";
import { badUserInput, type FieldFault, type Refusal } from "./errors.ts";

/** The largest value of GraphQL's Int and PostgreSQL's integer. */
export const maxInt = 2_147_483_647;

/** Products one order can name: so many lines, times the batch of a join, stay below NATS's 1 MB. */
export const maxOrderLines = 200;

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

/** Text between `min` and `max` characters that PostgreSQL can store and people can read. */
export function text(min: number, max: number): ParamRule {
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
    messages: { stringPattern: "'{field}' must be a time, e.g. 2026-01-31T12:00:00Z." },
  };
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
export function refusalOfValidation(error: Errors.ValidationError): Refusal {
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
