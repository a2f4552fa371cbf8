import {
  maxCounted,
  maxPageRows,
  type RowCount,
  type KeyKind,
  type SortPosition,
} from "../core/relay-connection.ts";
import type { Query } from "./prepared-statements.ts";

/**
 * What rows are sorted by before their ids. This and all that follows is SQL in literals, from
 * which the statements are put together: there are as many as there are sorts and filters.
 */
export interface SortKey {
  kind: KeyKind;
  /** The key of a row. */
  sql: string;
  /** That a row lies between two positions, ends excluded; as an index finds it. */
  within: string;
}

/** The rows to read: those between two positions, so many from one of the ends. */
export interface Window {
  low: SortPosition;
  high: SortPosition;
  /** From the high end down. */
  isDescending: boolean;
  /** One more than are shown: it says that there are more. */
  rows: number;
}

/** Rows that can be asked for. In all statements, `$1` is how many rows at most. */
export interface RowSource {
  /** `SELECT` and columns. */
  select: string;
  /** `FROM` and tables. */
  from: string;
  /** What holds for all of them; `true` if nothing does. */
  where: string;
}

/** A filter: how an index finds what fits, and how a row is held against it where it is given. */
export interface Filter {
  found: string;
  held: string;
}

/** The largest page, and the row that says that there are more. */
const largestWindow = `LIMIT ${maxPageRows + 1}`;
/** Where a filter fits many rows, those of a page are mostly among so many. */
const nearbyWindow = "LIMIT 1000";
/** So many rows can be sorted while somebody waits. */
const maxSorted = 5_000;

/**
 * Conditions that rows are held against one by one: as one expression, since the planner believes
 * of each condition of its own that it leaves few rows, and would rather find and sort those.
 */
export function conditionOf(filters: readonly Filter[]): string {
  if (filters.length === 0) return "true";
  const conditions = filters.map((filter) => filter.held);
  return ["CASE WHEN", conditions.join(" AND "), "THEN true END"].join(" ");
}

function orderBy({ kind }: SortKey, isDescending: boolean): string {
  if (kind === "none") return isDescending ? "ORDER BY id DESC" : "ORDER BY id";
  return isDescending ? "ORDER BY sort_key DESC, id DESC" : "ORDER BY sort_key, id";
}

/** The last column of a list of rows, and where they are read. */
function withSortKey({ from, where }: RowSource, { sql, within }: SortKey): string {
  return [sql, "AS sort_key", from, "WHERE", where, "AND", within].join(" ");
}

/**
 * Goes along the index of a sort. Two limits: a plan for all parameters is made without knowing
 * `$1`, and must not think of sorting.
 */
export function alongIndex(
  rows: RowSource,
  condition: string,
  key: SortKey,
  isDescending: boolean,
) {
  const order = orderBy(key, isDescending);
  return [
    "SELECT * FROM (",
    rows.select,
    ",",
    withSortKey(rows, key),
    "AND",
    condition,
    order,
    largestWindow,
    ") AS page",
    order,
    "LIMIT $1",
  ].join(" ");
}

/** Goes along the index of a sort, but not far: what it finds may be less than there is. */
function nearby(rows: RowSource, condition: string, key: SortKey, isDescending: boolean): string {
  const order = orderBy(key, isDescending);
  return [
    rows.select,
    ", sort_key FROM ( SELECT *,",
    withSortKey(rows, key),
    order,
    nearbyWindow,
    ") AS page WHERE",
    condition,
    order,
    "LIMIT $1",
  ].join(" ");
}

/** Finds all rows of a filter by its own index, and sorts them. */
function foundAndSorted(
  rows: RowSource,
  conditions: string[],
  key: SortKey,
  isDescending: boolean,
) {
  return [
    "WITH found AS MATERIALIZED (",
    rows.select,
    ",",
    key.sql,
    "AS sort_key",
    rows.from,
    "WHERE",
    [rows.where, ...conditions].join(" AND "),
    // Out here, where the planner cannot take it for a better way to find them.
    ") SELECT * FROM found WHERE",
    key.within,
    orderBy(key, isDescending),
    "LIMIT $1",
  ].join(" ");
}

function counting(rows: RowSource, conditions: readonly string[]): string {
  return [
    "SELECT count(*)::integer AS total FROM ( SELECT",
    rows.from,
    "WHERE",
    [rows.where, ...conditions].join(" AND "),
    "LIMIT $1 ) AS counted",
  ].join(" ");
}

/** Counts the rows for which the conditions hold, with the parameters `$2` … */
export async function countRows(
  query: Query,
  rows: RowSource,
  conditions: readonly string[],
  parameters: readonly unknown[],
  most = maxCounted,
): Promise<RowCount> {
  const bind = [most + 1, ...parameters];
  const [{ total } = { total: 0 }] = await query<{ total: number }>(
    counting(rows, conditions),
    bind,
  );
  return { total: Math.min(total, most), isExact: total <= most };
}

/** What is looked for by filters of which some have an index of their own. */
export interface FilterValues<Name extends string> {
  /**
   * Those that are given and have one, the cheapest to look at first, each with the parameters
   * that leave only it.
   */
  indexed: readonly { name: Name; alone: readonly unknown[] }[];
  /** Of all filters, `$2` …; null where one is not given. */
  parameters: readonly unknown[];
}

/** The parameters of a statement that reads a window: rows, filters, and the window's ends. */
export function bindOf(
  { low, high, rows }: Window,
  parameters: readonly unknown[],
  { kind }: SortKey,
): unknown[] {
  const keys = kind === "none" ? [] : [low.key, high.key];
  return [rows, ...parameters, low.id, high.id, ...keys];
}

/** Finds rows by filters that have indexes of their own, in whatever order they are asked for. */
export class FilteredRows<Name extends string> {
  readonly #query: Query;
  readonly #rows: RowSource;
  readonly #filters: Record<Name, Filter>;

  constructor(query: Query, rows: RowSource, filters: Record<Name, Filter>) {
    this.#query = query;
    this.#rows = rows;
    this.#filters = filters;
  }

  /**
   * The rows of a window. Few that a filter finds are sorted. Of many, enough should be nearby in
   * the order asked for; where that is not so, they are sorted, too, which takes the longer the
   * more there are.
   */
  async read<Row extends object>(
    sought: FilterValues<Name>,
    key: SortKey,
    window: Window,
  ): Promise<Row[]> {
    const { isDescending, rows } = window;
    const bind = bindOf(window, sought.parameters, key);
    const { by, isFew } = await this.#best(sought);
    if (!isFew) {
      const all: Filter[] = Object.values(this.#filters);
      const near = nearby(this.#rows, conditionOf(all), key, isDescending);
      const found = await this.#query<Row>(near, bind);
      if (found.length === rows) return found;
    }
    return this.#query<Row>(
      foundAndSorted(this.#rows, this.#conditions(by), key, isDescending),
      bind,
    );
  }

  /** How many rows there are. */
  async count(sought: FilterValues<Name>): Promise<RowCount> {
    const { by } = await this.#best(sought);
    return countRows(this.#query, this.#rows, this.#conditions(by), sought.parameters);
  }

  /** The first filter that finds few rows on its own, or else the last one. */
  async #best({ indexed }: FilterValues<Name>): Promise<{ by: Name; isFew: boolean }> {
    for (const { name, alone } of indexed) {
      const conditions = this.#conditions(name);
      const { isExact } = await countRows(this.#query, this.#rows, conditions, alone, maxSorted);
      if (isExact) return { by: name, isFew: true };
    }
    const last = indexed.at(-1);
    if (last === undefined) throw new Error("there is no filter to find anything by");
    return { by: last.name, isFew: false };
  }

  #conditions(by: Name): string[] {
    const { [by]: finding, ...others } = this.#filters;
    return [finding.found, conditionOf(Object.values(others))];
  }
}
