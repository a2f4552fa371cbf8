import { badUserInput, type ClientError } from "./errors.ts";
import { exactText, int, isId, maxInt, optional, text } from "./validation.ts";

/** Rows a page gives at most, and by default. */
export const maxPageRows = 100;
export const usualPageRows = 20;
/** Rows are counted up to here; beyond, a count says only that there are more. */
export const maxCounted = 10_000;
/** The longest name, in base64, fits in. */
const maxCursorCharacters = 2_000;

/** Which page: the first rows behind `after`, or the last ones before `before`. */
export interface PageArguments {
  first?: number;
  after?: string;
  last?: number;
  before?: string;
}

/** The rules of `PageArguments`, for the parameters of an action. */
export const connectionRules = {
  first: optional(int(0, maxPageRows)),
  after: optional(exactText(1, maxCursorCharacters)),
  last: optional(int(0, maxPageRows)),
  before: optional(exactText(1, maxCursorCharacters)),
};

const maxSearchCharacters = 200;

/** The rule of a text that is searched for. */
export const searchRule = optional({ ...text(0, maxSearchCharacters), trim: true });

/** What is asked for, without a search for nothing: fields that are empty are sent as they are. */
export function withoutBlankSearch<Asked extends { search?: string }>(asked: Asked): Asked {
  const { search, ...rest } = asked;
  return search === "" ? (rest as Asked) : asked;
}

/** A page of rows, by the Relay Cursor Connections Specification. */
export interface RelayConnection<Node> {
  edges: { cursor: string; node: Node }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

/** How many rows there are: all of them, or `maxCounted` where there are more. */
export interface RowCount {
  total: number;
  isExact: boolean;
}

/** Rows are sorted by this key, which is of this kind, and then by their ids; or by these alone. */
export type KeyKind = "none" | "integer" | "text";

/** Where a row stands in a sort: its key, null where the sort has none, and its id. */
export interface SortPosition {
  key: string | number | null;
  id: string;
}

export const lowestId = "00000000-0000-0000-0000-000000000000";
export const highestId = "ffffffff-ffff-ffff-ffff-ffffffffffff";

const lowestKeys = { none: null, integer: -1, text: "" };
/** Sorts behind every name there can be, by the order of its bytes. */
const highestText = "\u{10ffff}".repeat(201);
const highestKeys = { none: null, integer: maxInt, text: highestText };

/** The positions before and behind all rows of a sort. */
export function endsOf(kind: KeyKind): { lowest: SortPosition; highest: SortPosition } {
  return {
    lowest: { key: lowestKeys[kind], id: lowestId },
    highest: { key: highestKeys[kind], id: highestId },
  };
}

/**
 * The cursor of a position.
 *
 * @param sort the connection's and its sort's name: a cursor is good for these only
 */
export function cursorOf(sort: string, { key, id }: SortPosition): string {
  const parts = key === null ? [sort, id] : [sort, id, key];
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** The position of a cursor that `field` gives. Refuses with BAD_USER_INPUT any but `cursorOf`'s. */
export function positionOf(
  cursor: string,
  field: "after" | "before",
  sort: string,
  kind: KeyKind,
): SortPosition {
  const [name, id, key = null] = partsOf(cursor) ?? [];
  if (name === undefined) throw unfit(field, "is no cursor.");
  if (name !== sort) throw unfit(field, "is a cursor of another list, or of another sort.");
  if (!isId(id) || !isOfKind(key, kind) || cursorOf(sort, { key, id }) !== cursor) {
    throw unfit(field, "is no cursor.");
  }
  return { key, id };
}

function partsOf(cursor: string): unknown[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(parts) ? parts : undefined;
  } catch {
    // Not JSON: nothing that was ever given out.
    return undefined;
  }
}

function isOfKind(key: unknown, kind: KeyKind): key is SortPosition["key"] {
  if (kind === "none") return key === null;
  if (kind === "integer") return Number.isInteger(key) && Math.abs(key as number) <= maxInt;
  // PostgreSQL stores no NUL, and no half of a surrogate pair.
  return typeof key === "string" && !key.includes("\0") && key.isWellFormed();
}

function unfit(field: string, what: string): ClientError {
  return badUserInput([{ field, message: `The '${field}' field ${what}` }]);
}
