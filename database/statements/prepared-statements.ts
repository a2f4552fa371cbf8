import { createHash } from "node:crypto";
import type { Client } from "pg";
import type { Sequelize, Transaction } from "sequelize";
import { withoutValues } from "../errors/database-errors.ts";
import { DatabaseMetrics } from "./database-metrics.ts";
import { inStatementSpan, summaryOf } from "./statement-span.ts";

/** Runs a statement with bound parameters (`$1` …) and returns its rows. */
export type Query = <Row extends object>(sql: string, bind: unknown[]) => Promise<Row[]>;

/** A connection of Sequelize's pool: pg's client. `_invalid` makes the pool discard it. */
interface Connection extends Client {
  _invalid?: boolean;
}

/** The parts of Sequelize that its types omit. */
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

interface Statement {
  name: string;
  /** The kind and the tables of the statement, for spans. */
  summary: string;
}

const nameDigits = 32;

/** A prepared statement does not exist, or exists already: another client used the connection. */
const foreignStatements = new Set(["26000", "42P05"]);

/** The prepared statements by their SQL. Statements are literals, so the map stays small. */
const statements = new Map<string, Statement>();

/**
 * Returns the name and the summary of a statement. The name depends on the SQL text only, in all
 * processes: behind a pooler, a node can get a connection with the prepared statements of another one.
 */
export function statementOf(sql: string): Statement {
  const existing = statements.get(sql);
  if (existing !== undefined) return existing;
  const hash = createHash("sha256").update(sql).digest("hex").slice(0, nameDigits);
  const statement = { name: `shop_${hash}`, summary: summaryOf(sql) };
  statements.set(sql, statement);
  return statement;
}

/** How often the statements of a connection had to be prepared again. */
const generations = new WeakMap<Connection, number>();

/**
 * PostgreSQL keeps a plan until it analyzes the table again, which may take a minute. In a new shop,
 * a plan made for the first twenty orders would by then scan thousands of orders.
 */
const plansLastMs = 5_000;
const plannedAtMs = new WeakMap<Connection, number>();

/**
 * Returns a function that runs prepared statements through pg, on a connection of Sequelize's pool
 * or in a transaction. PostgreSQL parses each statement once for each connection. Throws
 * Sequelize's errors without the values in them.
 */
export function preparedOn(sequelize: Sequelize, transaction?: Transaction): Query {
  const pool = sequelize as unknown as Pool;
  const reserved = (transaction as { connection?: Connection } | undefined)?.connection;
  const namespace = sequelize.getDatabaseName();
  return <Row extends object>(sql: string, bind: unknown[]) => {
    const statement = statementOf(sql);
    return inStatementSpan(statement.summary, namespace, async () => {
      if (reserved !== undefined) return rowsOf<Row>(pool, reserved, statement, sql, bind);
      const connection = await pool.connectionManager.getConnection({ type: "SELECT" });
      try {
        return await rowsOf<Row>(pool, connection, statement, sql, bind);
      } finally {
        pool.connectionManager.releaseConnection(connection);
      }
    });
  };
}

async function rowsOf<Row extends object>(
  pool: Pool,
  connection: Connection,
  statement: Statement,
  sql: string,
  bind: unknown[],
): Promise<Row[]> {
  const generation = generations.get(connection) ?? 0;
  const name = `${statement.name}_${generation}`;
  const nowMs = performance.now();
  let isFailed = true;
  try {
    if (nowMs - (plannedAtMs.get(connection) ?? nowMs) > plansLastMs) {
      await connection.query("DISCARD PLANS");
      plannedAtMs.delete(connection);
    }
    if (!plannedAtMs.has(connection)) plannedAtMs.set(connection, nowMs);
    const { rows } = await connection.query<Row>({ name, text: sql, values: bind });
    isFailed = false;
    return rows;
  } catch (error) {
    const { code } = error as { code?: string };
    // A migration has changed the tables of the prepared statement: the next call prepares it again.
    if (code === "0A000") generations.set(connection, generation + 1);
    if (code === "ECONNRESET") connection._invalid = true;
    if (foreignStatements.has(code ?? "")) {
      (error as Error).message +=
        ". A pooler before PostgreSQL does not support prepared statements: set max_prepared_statements of PgBouncer, 1.21 or newer";
    }
    const query = new pool.dialect.Query(connection, pool, {});
    throw withoutValues(query.formatError(error, (error as Error).stack));
  } finally {
    DatabaseMetrics.of(pool)?.record(statement.summary, nowMs, isFailed);
  }
}
