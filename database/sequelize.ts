import pg from "pg";
import { Sequelize, type Options } from "sequelize";
import { parsePostgresUrl } from "../core/network/postgres-url.ts";
import { activeSpan } from "../core/tracing/spans.ts";
import { readOnlyTransaction, withoutValues } from "./errors/database-errors.ts";
import { applicationName } from "./migrator/node-versions.ts";
import { DatabaseMetrics } from "./statements/database-metrics.ts";
import { inStatementSpan, summaryOf } from "./statements/statement-span.ts";

/** How long a statement may run. */
const statementTimeoutMs = 10_000;
/** How long a statement may wait for a lock. */
export const lockTimeoutMs = 3_000;
/**
 * PostgreSQL ends the transaction of a paused process after this time, which frees its locks. One
 * lock may be the head of the event log, for which all writes wait, and clients are promised an
 * answer in 1.5 s when a node pauses. A process that was only slow runs its transaction again
 * (`transaction` in `database.mixin.ts`).
 */
const idleInTransactionTimeoutMs = 750;
/**
 * The settings of a connection on which the statements depend. Those of the server, a database or a role
 * may differ. One plan for each statement: planning again for each set of values takes longer than it
 * saves.
 */
const sessionSettings = {
  plan_cache_mode: "force_generic_plan",
  default_transaction_isolation: "read committed",
  datestyle: "ISO",
  intervalstyle: "postgres",
  bytea_output: "hex",
  array_nulls: "on",
  standard_conforming_strings: "on",
  transform_null_equals: "off",
};
const startupOptions = Object.entries(sessionSettings)
  .map(([name, value]) => `-c ${name}=${value.replaceAll(" ", "\\ ")}`)
  .join(" ");
/** Sequelize adapts statements that define tables to this version. The shop uses none of them. */
const assumedVersion = "18.0.0";
/** How long a statement waits for a connection of the pool. */
const acquireTimeoutMs = 3_000;

/** Sequelize prints these lines for errors that it also throws. A log of JSON must not have such text. */
const printedBySequelize = /^(?:Committing|Rolling back) transaction \S+ failed with error /;

let quietWarn: typeof console.warn | undefined;

/** Replaces `console.warn` by one that leaves these lines out. Jest gives each test file a new one. */
function silenceSequelize(): void {
  /* eslint-disable no-console */
  const { warn } = console;
  if (warn === quietWarn) return;
  quietWarn = (...words) => {
    if (!printedBySequelize.test(String(words[0]))) warn.apply(console, words);
  };
  console.warn = quietWarn;
  /* eslint-enable no-console */
}

/**
 * A client with an error listener from the start. Sequelize adds its own shortly after a connection
 * opens; an error in between, for example when the server dies, would end the process.
 *
 * A session keeps the `default_transaction_read_only` with which it began. The pool discards its
 * connection at the first refused write, so that writes succeed soon after the setting ends, and a
 * new connection finds the primary after a failover.
 */
class ListenedClient extends pg.Client {
  /** Makes Sequelize's pool discard the connection. */
  _invalid?: boolean;

  constructor(config: pg.ClientConfig) {
    super(config);
    this.on("error", () => undefined);
    this.connection.on("errorMessage", ({ code }) => {
      if (code === readOnlyTransaction) this._invalid = true;
    });
  }
}

/** Parses a bigint as a number. Throws a RangeError if the number would not be exact. */
function parseBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("A bigint is too large for a number.");
  return value;
}

/** Replaces pg's parser of bigints, which returns strings: row types declare counts as numbers. */
function typeParser(
  oid: Parameters<typeof pg.types.setTypeParser>[0],
  format?: "text" | "binary",
): unknown {
  const isBigint = oid === pg.types.builtins.INT8 && format !== "binary";
  return isBigint ? parseBigint : pg.types.getTypeParser(oid, format);
}

/**
 * Returns a Sequelize instance that connects on first use.
 *
 * @param url `postgres://user:password@host:port/database?sslmode=…`
 * @param poolMax the maximum number of connections
 */
export function openSequelize(url: string, poolMax: number): Sequelize {
  silenceSequelize();
  const { host, port, user, password, database, ssl, options: own } = parsePostgresUrl(url);
  const options: Options & { databaseVersion: string } = {
    dialect: "postgres",
    dialectModule: {
      ...pg,
      Client: ListenedClient,
      types: { ...pg.types, getTypeParser: typeParser },
    },
    database: database ?? "",
    username: user ?? "",
    password: password ?? "",
    host: host ?? "localhost",
    ...(port && { port: Number(port) }),
    logging: false,
    // Sequelize would ask for the version on a connection of its own. Its type lacks the option.
    databaseVersion: assumedVersion,
    pool: { max: poolMax, min: 0, idle: 30_000, acquire: acquireTimeoutMs },
    dialectOptions: {
      ssl,
      application_name: applicationName,
      keepAlive: true,
      // Of several values of a setting, PostgreSQL uses the last one.
      options: own === undefined ? startupOptions : `${own} ${startupOptions}`,
      statement_timeout: statementTimeoutMs,
      lock_timeout: lockTimeoutMs,
      idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    },
    define: { underscored: true, timestamps: false },
  };
  const sequelize = new Sequelize(options);
  const query = sequelize.query.bind(sequelize) as (...args: unknown[]) => Promise<unknown>;
  // Models and transactions also use `query`, so that no error contains values.
  const run = async (...args: unknown[]) => {
    const startedMs = performance.now();
    let isFailed = true;
    try {
      const result = await query(...args);
      isFailed = false;
      return result;
    } catch (error) {
      throw withoutValues(error);
    } finally {
      const metrics = DatabaseMetrics.of(sequelize);
      if (metrics !== undefined) metrics.record(nameOf(...args), startedMs, isFailed);
    }
  };
  const queryWithoutValues = (...args: unknown[]) => {
    // The summary of a model's statement is not cached: its text depends on its values.
    if (activeSpan() === undefined) return run(...args);
    const [statement] = args as [string | { query: string }];
    const sql = typeof statement === "string" ? statement : statement.query;
    return inStatementSpan(summaryOf(sql), database ?? "", () => run(...args));
  };
  return Object.assign(sequelize, { query: queryWithoutValues as typeof sequelize.query });
}

/**
 * Names a statement of Sequelize for the metrics: that of a model by its table, e.g. `SELECT users`,
 * another one by its first word, e.g. `COMMIT`. The text of a model's statement depends on its values.
 */
function nameOf(sql?: unknown, options?: unknown): string {
  const { type, model, instance } = (options ?? {}) as {
    type?: string;
    model?: { tableName?: unknown };
    instance?: { constructor: { tableName?: unknown } };
  };
  const table = (model ?? instance?.constructor)?.tableName;
  if (typeof table === "string") return `${type ?? "SELECT"} ${table}`;
  return /[A-Z]+/.exec(typeof sql === "string" ? sql : "")?.[0] ?? "SQL";
}
