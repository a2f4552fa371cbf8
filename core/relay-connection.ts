import { invalidField, type ClientError } from "./errors.ts";
import { exactText, int, isId, maxInt, optional, text } from "./validation.ts";

/** The maximum and the default number of rows of a page. */
export const maxPageRows = 100;
export const usualPageRows = 20;
/** Rows are counted up to this number; `isExact` is false for more. */
export const maxCounted = 10_000;
/** Enough for the longest name in base64. */
const maxCursorCharacters = 2_000;

/** Selects a page: the first rows after the cursor `after`, or the last rows before `before`. */
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

/** The same arguments in GraphQL's schema language, for the field of the action. */
export const pageArguments = `
  "The maximum number of rows from the start, 0 to ${maxPageRows}; ${usualPageRows} without first and last"
  first: Int
  "A cursor: the page starts after its row"
  after: String
  "The maximum number of rows from the end, 0 to ${maxPageRows}; not together with first"
  last: Int
  "A cursor: the page ends before its row"
  before: String
`;

const maxSearchCharacters = 200;

/** The rule of a search text. */
export const searchRule = optional({ ...text(0, maxSearchCharacters), trim: true });

/** Returns the filter without an empty search: forms send the text of an empty field. */
export function withoutBlankSearch<Filter extends { search?: string }>(filter: Filter): Filter {
  const { search, ...rest } = filter;
  return search === "" ? (rest as Filter) : filter;
}

/** A page of rows (Relay Cursor Connections Specification). */
export interface RelayConnection<Node> {
  edges: { cursor: string; node: Node }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

/** The number of rows, or `maxCounted` if there are more. */
export interface RowCount {
  total: number;
  isExact: boolean;
}

/** The type of the key by which rows are sorted before their ids; "none" sorts by ids only. */
export type KeyKind = "none" | "integer" | "text";

/** The position of a row in a sort: its key (null if the sort has none) and its id. */
export interface SortPosition {
  key: string | number | null;
  id: string;
}

export const lowestId = "00000000-0000-0000-0000-000000000000";
export const highestId = "ffffffff-ffff-ffff-ffff-ffffffffffff";

const lowestKeys = { none: null, integer: -1, text: "" };
/** Sorts after every possible name in byte order. */
const highestText = "\u{10ffff}".repeat(201);
const highestKeys = { none: null, integer: maxInt, text: highestText };

/** Returns the positions before and after all rows of a sort. */
export function endsOf(kind: KeyKind): { lowest: SortPosition; highest: SortPosition } {
  return {
    lowest: { key: lowestKeys[kind], id: lowestId },
    highest: { key: highestKeys[kind], id: highestId },
  };
}

/**
 * Returns the cursor of a position.
 *
 * @param sort the name of the connection and its sort; the cursor is valid for these only
 */
export function cursorOf(sort: string, { key, id }: SortPosition): string {
  const parts = key === null ? [sort, id] : [sort, id, key];
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** Returns the position of the cursor in `field`. Throws BAD_USER_INPUT unless `cursorOf` made it. */
export function positionOf(
  cursor: string,
  field: "after" | "before",
  sort: string,
  kind: KeyKind,
): SortPosition {
  const [name, id, key = null] = partsOf(cursor) ?? [];
  if (name === undefined) throw invalidCursor(field, "is no cursor.");
  if (name !== sort) throw invalidCursor(field, "is a cursor of another list, or of another sort.");
  if (!isId(id) || !isOfKind(key, kind) || cursorOf(sort, { key, id }) !== cursor) {
    throw invalidCursor(field, "is no cursor.");
  }
  return { key, id };
}

function partsOf(cursor: string): unknown[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(parts) ? parts : undefined;
  } catch {
    return undefined;
  }
}

function isOfKind(key: unknown, kind: KeyKind): key is SortPosition["key"] {
  if (kind === "none") return key === null;
  if (kind === "integer") return Number.isInteger(key) && Math.abs(key as number) <= maxInt;
  // PostgreSQL stores neither NUL nor lone surrogates.
  return typeof key === "string" && !key.includes("\0") && key.isWellFormed();
}

function invalidCursor(field: string, reason: string): ClientError {
  return invalidField(field, `The '${field}' field ${reason}`);
}
