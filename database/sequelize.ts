import pg from "pg";
import pgConnectionString from "pg-connection-string";
import { Sequelize, type Options } from "sequelize";
import { withoutValues } from "./database-errors.ts";

/** How long a statement may run, and how long it may wait for what another transaction holds. */
const statementTimeoutMs = 10_000;
const lockTimeoutMs = 3_000;
/**
 * A process that stands still in a transaction must not keep others waiting for its locks, one of
 * which may be the head of the event log: all that writes waits for so long, and clients are
 * promised an answer in 1.5 s when a node stands still. A process that was only slow runs its
 * transaction again (`transaction` in `database.mixin.ts`).
 */
const idleInTransactionTimeoutMs = 750;
/** One plan for each statement: it takes long to find that the next values want the same one. */
const plannedOnce = "-c plan_cache_mode=force_generic_plan";
/** How long one waits for a connection of the pool. */
const acquireTimeoutMs = 3_000;

/**
 * Sequelize listens to a connection only a moment after it is open. An error in between, as when
 * the server dies right then, would have no listener, and end the process.
 */
class ListenedClient extends pg.Client {
  constructor(config: pg.ClientConfig) {
    super(config);
    this.on("error", () => undefined);
  }
}

/** Reads a bigint as a number. One that a number cannot hold is an error, and never another number. */
function parseBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("A bigint is too large for a number.");
  return value;
}

/** pg's own parser of a bigint gives a text: a count or a sum would not be the number of its row type. */
function typeParser(
  oid: Parameters<typeof pg.types.setTypeParser>[0],
  format?: "text" | "binary",
): unknown {
  const isBigint = oid === pg.types.builtins.INT8 && format !== "binary";
  return isBigint ? parseBigint : pg.types.getTypeParser(oid, format);
}

/**
 * A Sequelize instance that connects on first use.
 *
 * @param url `postgres://user:password@host:port/database?sslmode=…`
 * @param poolMax connections it keeps at most
 */
export function openSequelize(url: string, poolMax: number): Sequelize {
  const { host, port, user, password, database, ssl } = pgConnectionString.parse(url);
  const options: Options = {
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
    pool: { max: poolMax, min: 0, idle: 30_000, acquire: acquireTimeoutMs },
    dialectOptions: {
      ssl,
      keepAlive: true,
      options: plannedOnce,
      statement_timeout: statementTimeoutMs,
      lock_timeout: lockTimeoutMs,
      idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    },
    define: { underscored: true, timestamps: false },
  };
  const sequelize = new Sequelize(options);
  const query = sequelize.query.bind(sequelize) as (...args: unknown[]) => Promise<unknown>;
  // Models and transactions come by here as well: no error leaves the pool with values in it.
  const quietly = (...args: unknown[]) =>
    query(...args).catch((error: unknown) => {
      throw withoutValues(error);
    });
  return Object.assign(sequelize, { query: quietly as typeof sequelize.query });
}
