import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import type { Sequelize } from "sequelize";
import { LockWatch } from "./lock-watch.ts";
import { sqlOf, statementsOf, type Migration } from "./migration-files.ts";
import { MigrationProblem } from "./migration-problem.ts";

/**
 * How long a migration waits for a lock in one try. Meanwhile, all statements on the table wait behind
 * it; between two tries, they run.
 */
const lockTimeout = "500ms";
const pauseMs = 1_000;
const watchEveryMs = 200;

/** SQLSTATEs of a lock timeout and of a deadlock. */
const lockStates = new Set(["55P03", "40P01"]);

const createTable =
  "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())";

/** Applies all migrations to an empty database in one transaction: a failure leaves nothing behind. */
export async function applyToEmpty(
  connection: Client,
  migrations: readonly Migration[],
): Promise<void> {
  await connection.query("BEGIN");
  await connection.query(createTable);
  for (const migration of migrations) {
    const sql = await sqlOf(migration.url);
    // No other connection uses the tables, and a transaction cannot create indexes concurrently.
    await connection.query(
      migration.kind === "concurrent" ? sql.replaceAll(/\bCONCURRENTLY\b/gi, "") : sql,
    );
    await store(connection, migration);
  }
  await connection.query("COMMIT");
}

interface ApplierOptions {
  /** Gets a sentence when a migration waits for a lock. */
  warn: (message: string) => void;
  /** How long a migration waits for locks before it fails. */
  maxWaitMs: number;
}

/** Applies migrations to a database that other nodes use. */
export class Applier {
  readonly #connection: Client;
  readonly #sequelize: Sequelize;
  readonly #pid: number;
  readonly #options: ApplierOptions;

  private constructor(
    connection: Client,
    sequelize: Sequelize,
    pid: number,
    options: ApplierOptions,
  ) {
    this.#connection = connection;
    this.#sequelize = sequelize;
    this.#pid = pid;
    this.#options = options;
  }

  /**
   * @param connection runs the migrations
   * @param sequelize has another connection, which watches the locks
   */
  static async create(
    connection: Client,
    sequelize: Sequelize,
    options: ApplierOptions,
  ): Promise<Applier> {
    const { rows } = await connection.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    return new Applier(connection, sequelize, rows[0]?.pid ?? 0, options);
  }

  async apply(migrations: readonly Migration[]): Promise<void> {
    for (const migration of migrations) {
      const sql = await sqlOf(migration.url);
      await this.#whileLocked(migration.name, () =>
        migration.kind === "concurrent"
          ? this.#applyConcurrently(migration, sql)
          : this.#applyInTransaction(migration, sql),
      );
    }
  }

  async #applyInTransaction(migration: Migration, sql: string): Promise<void> {
    await this.#connection.query("BEGIN");
    try {
      await this.#connection.query("SELECT set_config('lock_timeout', $1, true)", [lockTimeout]);
      await this.#connection.query(sql);
      await store(this.#connection, migration);
      await this.#connection.query("COMMIT");
    } catch (error) {
      await this.#connection.query("ROLLBACK");
      throw error;
    }
  }

  /** Can run again after an interruption: its statements have IF (NOT) EXISTS. */
  async #applyConcurrently(migration: Migration, sql: string): Promise<void> {
    for (const statement of statementsOf(sql)) {
      await this.#dropInvalidIndex(statement);
      await this.#connection.query(statement);
    }
    await store(this.#connection, migration);
  }

  /** Drops the index that an interrupted run has left: IF NOT EXISTS would keep it as it is. */
  async #dropInvalidIndex(statement: string): Promise<void> {
    const [, name] = /^CREATE\s.*?\sIF NOT EXISTS\s+(\w+)/is.exec(statement) ?? [];
    if (name === undefined) return;
    // A name cannot be bound.
    // eslint-disable-next-line no-restricted-syntax
    const drop = `DROP INDEX CONCURRENTLY IF EXISTS ${name}`;
    const { rows } = await this.#connection.query(
      "SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid",
      [name],
    );
    if (rows.length > 0) await this.#connection.query(drop);
  }

  /** Tries again while other connections hold locks. Throws MigrationProblem after the longest wait. */
  async #whileLocked(name: string, work: () => Promise<void>): Promise<void> {
    const { warn, maxWaitMs } = this.#options;
    const endMs = performance.now() + maxWaitMs;
    const watch = new LockWatch(this.#sequelize, this.#pid, watchEveryMs, (holders) => {
      warn(`The migration ${name} waits for a lock of ${holders}, and tries again.`);
    });
    try {
      for (;;) {
        try {
          await work();
          return;
        } catch (error) {
          if (!lockStates.has((error as { code?: string }).code ?? "")) throw error;
          if (performance.now() > endMs) {
            throw new MigrationProblem(
              `the migration ${name} did not get a lock of ${watch.holders ?? "another connection"} in ${Math.round(maxWaitMs / 1_000)} s. End that connection, and start again.`,
              { cause: error },
            );
          }
        }
        await sleep(pauseMs);
      }
    } finally {
      watch.stop();
    }
  }
}

async function store(connection: Client, { name }: Migration): Promise<void> {
  await connection.query("INSERT INTO migrations (name) VALUES ($1)", [name]);
}
