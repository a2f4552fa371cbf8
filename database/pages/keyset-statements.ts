import {
  maxCounted,
  maxPageRows,
  type RowCount,
  type KeyKind,
  type SortPosition,
} from "../../core/relay-connection.ts";
import type { Query } from "../statements/prepared-statements.ts";

/**
 * The key that rows are sorted by before their ids. Statements are composed only from SQL literals
 * like these, so that their number is limited by the number of sorts and filters.
 */
export interface SortKey {
  kind: KeyKind;
  /** The expression for the key of a row. */
  sql: string;
  /** The condition that a row lies between two positions, exclusive, in a form that uses an index. */
  within: string;
  /**
   * Columns of the index before the ids, of which `within` selects one value each. Their place in
   * `ORDER BY` keeps the planner from the primary key, along which it could read all other rows.
   */
  prefix?: readonly string[];
}

/** The rows to read: a number of rows between two positions, counted from one of the ends. */
export interface Window {
  low: SortPosition;
  high: SortPosition;
  /** Rows are read from the high end. */
  isDescending: boolean;
  /** One more than the page shows; the additional row shows whether more rows follow. */
  rows: number;
}

/** A source of rows. In all statements, `$1` is the maximum number of rows. */
export interface RowSource {
  /** `SELECT` and the columns. */
  select: string;
  /** `FROM` and the tables. */
  from: string;
  /** The condition of all rows, or `true`. */
  where: string;
}

/** The SQL conditions of a filter. */
export interface Filter {
  /** Finds matching rows by an index. */
  found: string;
  /** Checks a single row; true if the filter is not given. */
  held: string;
}

/** The largest page and the additional row. */
const largestWindow = `LIMIT ${maxPageRows + 1}`;
/** If a filter matches many rows, the first 1,000 rows usually contain a full page. */
const nearbyWindow = "LIMIT 1000";
/** The maximum number of matching rows that are sorted without first reading along the index. */
const maxSorted = 5_000;

/**
 * Combines conditions into one expression that is checked for each row. From separate conditions
 * the planner would expect few rows, and would find and sort them instead of using the sort's index.
 */
export function conditionOf(filters: readonly Filter[]): string {
  if (filters.length === 0) return "true";
  const conditions = filters.map((filter) => filter.held);
  return ["CASE WHEN", conditions.join(" AND "), "THEN true END"].join(" ");
}

function orderBy({ kind }: SortKey, isDescending: boolean, prefix: SortKey["prefix"] = []): string {
  const columns = [...prefix, ...(kind === "none" ? [] : ["sort_key"]), "id"];
  return `ORDER BY ${columns.map((column) => (isDescending ? `${column} DESC` : column)).join(", ")}`;
}

/** Returns the sort key column with the `FROM` and `WHERE` clauses. */
function withSortKey({ from, where }: RowSource, { sql, within }: SortKey): string {
  return [sql, "AS sort_key", from, "WHERE", where, "AND", within].join(" ");
}

/**
 * Returns a statement that reads along the index of a sort. The literal inner limit keeps the
 * planner from sorting: a generic plan does not know `$1`.
 */
export function alongIndex(
  rows: RowSource,
  condition: string,
  key: SortKey,
  isDescending: boolean,
) {
  return [
    "SELECT * FROM (",
    rows.select,
    ",",
    withSortKey(rows, key),
    "AND",
    condition,
    orderBy(key, isDescending, key.prefix),
    largestWindow,
    ") AS page",
    orderBy(key, isDescending),
    "LIMIT $1",
  ].join(" ");
}

/** Returns a statement that reads a limited part of a sort's index, and so may miss matching rows. */
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

/** Returns a statement that finds all rows of a filter by its index, and sorts them. */
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
    // The window is outside the CTE, so that the planner does not use its index to find the rows.
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

/** Counts the rows that match the conditions with the parameters `$2` …, up to `most`. */
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

/** The filters of a request. */
export interface FilterValues<Name extends string> {
  /** The given filters with an index, cheapest lookup first, each with the parameters of it alone. */
  indexed: readonly { name: Name; alone: readonly unknown[] }[];
  /** The parameters `$2` … of all filters; null for a filter that is not given. */
  parameters: readonly unknown[];
}

/** Returns the parameters of a statement that reads a window: row limit, filters, ends of the window. */
export function bindOf(
  { low, high, rows }: Window,
  parameters: readonly unknown[],
  { kind }: SortKey,
): unknown[] {
  const keys = kind === "none" ? [] : [low.key, high.key];
  return [rows, ...parameters, low.id, high.id, ...keys];
}

/** Reads and counts rows by filters, in the order of any sort. */
export class FilteredRows<Name extends string> {
  readonly #query: Query;
  readonly #rows: RowSource;
  readonly #filters: Record<Name, Filter>;
  /** The condition of all filters. */
  readonly #all: string;

  constructor(query: Query, rows: RowSource, filters: Record<Name, Filter>) {
    this.#query = query;
    this.#rows = rows;
    this.#filters = filters;
    this.#all = conditionOf(Object.values(filters));
  }

  /**
   * Reads the rows of a window. Without a filter that has an index of its own, they are read along the
   * index of the sort. If such a filter matches few rows, they are sorted. If it matches many, a
   * limited read along the sort's index usually fills the page. Otherwise all matching rows are
   * sorted, which takes time in proportion to their number.
   */
  async read<Row extends object>(
    values: FilterValues<Name>,
    key: SortKey,
    window: Window,
  ): Promise<Row[]> {
    const { isDescending, rows } = window;
    const bind = bindOf(window, values.parameters, key);
    if (values.indexed.length === 0) {
      return this.#query<Row>(alongIndex(this.#rows, this.#all, key, isDescending), bind);
    }
    const { by, isFew } = await this.#bestFilter(values);
    if (!isFew) {
      const near = nearby(this.#rows, this.#all, key, isDescending);
      const found = await this.#query<Row>(near, bind);
      if (found.length === rows) return found;
    }
    return this.#query<Row>(
      foundAndSorted(this.#rows, this.#conditions(by), key, isDescending),
      bind,
    );
  }

  async count(values: FilterValues<Name>): Promise<RowCount> {
    if (values.indexed.length === 0) {
      return countRows(this.#query, this.#rows, [this.#all], values.parameters);
    }
    const { by } = await this.#bestFilter(values);
    return countRows(this.#query, this.#rows, this.#conditions(by), values.parameters);
  }

  /** Returns the first filter that matches few rows alone, or else the last one. */
  async #bestFilter({ indexed }: FilterValues<Name>): Promise<{ by: Name; isFew: boolean }> {
    for (const { name, alone } of indexed) {
      const conditions = this.#conditions(name);
      const { isExact } = await countRows(this.#query, this.#rows, conditions, alone, maxSorted);
      if (isExact) return { by: name, isFew: true };
    }
    const last = indexed.at(-1);
    if (last === undefined) throw new Error("A read by filters needs a filter with an index.");
    return { by: last.name, isFew: false };
  }

  #conditions(by: Name): string[] {
    const { [by]: indexed, ...others } = this.#filters;
    return [indexed.found, conditionOf(Object.values(others))];
  }
}
