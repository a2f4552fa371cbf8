import type { Client } from "pg";
import type { Sequelize, Transaction } from "sequelize";
import { withoutValues } from "./database-errors.ts";

/** Runs one statement with bound parameters (`$1` …) and gives its rows. */
export type Query = <Row extends object>(sql: string, bind: unknown[]) => Promise<Row[]>;

/** A connection of Sequelize's pool: pg's client, and whether it is of no more use. */
interface Connection extends Client {
  _invalid?: boolean;
}

/** The parts of Sequelize that its types leave out. */
interface Pool {
  connectionManager: {
    getConnection(options: object): Promise<Connection>;
    releaseConnection(connection: Connection): void;
  };
  dialect: {
    Query: new (
      connection: Connection,
      sequelize: unknown,
      options: object,
    ) => { formatError(error: unknown, stack: string | undefined): unknown };
  };
}

/** Statements are literals in our files: so there are as many names as there are of those. */
const names = new Map<string, string>();

function nameOf(sql: string): string {
  const known = names.get(sql);
  if (known !== undefined) return known;
  const name = `shop_${names.size + 1}`;
  names.set(sql, name);
  return name;
}

/** How often the statements of a connection had to be prepared anew. */
const generations = new WeakMap<Connection, number>();

/**
 * PostgreSQL keeps a plan until it has looked at its tables again, which may take a minute: in a new
 * shop what was best for the first twenty orders would go through thousands of them by then.
 */
const plansLastMs = 5_000;
const plannedAtMs = new WeakMap<Connection, number>();

/**
 * Statements on a connection of Sequelize's pool, or in a transaction of it, straight by pg: each
 * is parsed by PostgreSQL once for each connection, and nothing else is done to it. Throws
 * Sequelize's errors, without the values in them.
 */
export function preparedOn(sequelize: Sequelize, transaction?: Transaction): Query {
  const pool = sequelize as unknown as Pool;
  const own = (transaction as { connection?: Connection } | undefined)?.connection;
  return async <Row extends object>(sql: string, bind: unknown[]) => {
    if (own !== undefined) return rowsOf<Row>(pool, own, sql, bind);
    const connection = await pool.connectionManager.getConnection({ type: "SELECT" });
    try {
      return await rowsOf<Row>(pool, connection, sql, bind);
    } finally {
      pool.connectionManager.releaseConnection(connection);
    }
  };
}

async function rowsOf<Row extends object>(
  pool: Pool,
  connection: Connection,
  sql: string,
  bind: unknown[],
): Promise<Row[]> {
  const generation = generations.get(connection) ?? 0;
  const name = `${nameOf(sql)}_${generation}`;
  const nowMs = performance.now();
  try {
    if (nowMs - (plannedAtMs.get(connection) ?? nowMs) > plansLastMs) {
      await connection.query("DISCARD PLANS");
      plannedAtMs.delete(connection);
    }
    if (!plannedAtMs.has(connection)) plannedAtMs.set(connection, nowMs);
    return (await connection.query<Row>({ name, text: sql, values: bind })).rows;
  } catch (error) {
    const { code } = error as { code?: string };
    // The tables have changed under it.
    if (code === "0A000") generations.set(connection, generation + 1);
    if (code === "ECONNRESET") connection._invalid = true;
    const query = new pool.dialect.Query(connection, pool, {});
    throw withoutValues(query.formatError(error, (error as Error).stack));
  }
}
