import { GraphQLError, GraphQLScalarType, Kind, print, type ValueNode } from "graphql";
import { isOnCalendar } from "../../../../core/validation.ts";

/** The declaration of the scalar for the composed schema. Its description is in `dateTime`. */
export const dateTimeType = "scalar DateTime";

/** RFC 3339 in capital letters. */
const pattern =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** Returns the time in UTC with milliseconds; undefined for a text that is no RFC 3339 time. */
function inUtc(text: string): string | undefined {
  const capitals = text.toUpperCase();
  if (!pattern.test(capitals) || !isOnCalendar(capitals)) return undefined;
  const utc = timeOf(capitals)?.toISOString();
  if (utc === undefined) return undefined;
  // The zone can move a time out of the years 1 to 9999, which RFC 3339 and PostgreSQL can write.
  return /^(?!0000)\d{4}-/.test(utc) ? utc : undefined;
}

const leapSecond = /(?<=T\d\d:\d\d):60/;
const beforeLeapSecond = /-(?:06-30|12-31)T23:59:59/;

/**
 * Returns a time. A leap second, which `Date` and PostgreSQL cannot store, becomes the second after
 * it. RFC 3339 allows it at the ends of June and December in UTC; otherwise returns undefined.
 */
function timeOf(text: string): Date | undefined {
  if (!leapSecond.test(text)) return new Date(text);
  const before = new Date(text.replace(leapSecond, ":59"));
  return beforeLeapSecond.test(before.toISOString())
    ? new Date(before.getTime() + 1_000)
    : undefined;
}

const expectation =
  'DateTime must be an RFC 3339 time with a time zone, e.g. "2026-01-31T12:00:00Z"';

/**
 * Converts an input. Throws a GraphQLError that names the expected form.
 *
 * @param nodes the literal, whose place the error names
 */
function parsed(value: unknown, nodes: readonly ValueNode[] = []): string {
  if (typeof value !== "string") throw new GraphQLError(`${expectation}.`, { nodes });
  const utc = inUtc(value);
  if (utc === undefined) throw new GraphQLError(`${expectation}, on a day that exists.`, { nodes });
  return utc;
}

/**
 * A point in time. Services send it as a text or, within one process, as a `Date`. Clients and
 * actions get it as a text in UTC with milliseconds.
 */
export const dateTime = new GraphQLScalarType<string>({
  name: "DateTime",
  description: `
A point in time by RFC 3339, for example "2026-01-31T12:00:00.000Z". Responses are in UTC with
milliseconds. Inputs can have any time zone; digits after the milliseconds are dropped. A leap second
(23:59:60 UTC at the end of June or December) becomes the second after it. The year 0000 is invalid.`.trim(),
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
  serialize(value) {
    const text = value instanceof Date && !Number.isNaN(value.getTime()) ? value.toJSON() : value;
    const utc = typeof text === "string" ? inUtc(text) : undefined;
    // A fault of a service: the gateway logs it, and clients get INTERNAL_SERVER_ERROR.
    if (utc === undefined) throw new Error(`This is no DateTime: ${String(value)}.`);
    return utc;
  },
  parseValue: (value) => parsed(value),
  parseLiteral(node) {
    if (node.kind === Kind.STRING) return parsed(node.value, [node]);
    throw new GraphQLError(`${expectation}. Found ${print(node)}.`, { nodes: [node] });
  },
});
