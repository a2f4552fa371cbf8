import type { Sequelize } from "sequelize";
import { openSequelize } from "../../../database/sequelize.ts";
import { preparedOn, type Query } from "../../../database/statements/prepared-statements.ts";

/** PostgreSQL plans a prepared statement for its values five times, then perhaps for any values. */
const warmUps = 6;

/** Counts the rows and index entries that the statements of some work read. */
export class ReadCounter {
  /** Runs statements as a service does, on the only connection. */
  readonly query: Query;
  readonly #sequelize: Sequelize;

  constructor(url: string) {
    this.#sequelize = openSequelize(url, 1);
    this.query = preparedOn(this.#sequelize);
  }

  /** Counts what work reads when it has run several times. What it writes is rolled back. */
  async rowsReadBy(work: () => Promise<unknown>): Promise<number> {
    for (let time = 0; time < warmUps; time += 1) await this.#rolledBack(work);
    const before = await this.#rowsRead();
    await this.#rolledBack(work);
    return (await this.#rowsRead()) - before;
  }

  close(): Promise<void> {
    return this.#sequelize.close();
  }

  async #rolledBack(work: () => Promise<unknown>): Promise<void> {
    // A busy machine may pause longer than PostgreSQL waits for a service, which would begin again.
    await this.query("SET idle_in_transaction_session_timeout = 0", []);
    await this.query("BEGIN", []);
    try {
      await work();
    } finally {
      await this.query("ROLLBACK", []);
    }
  }

  async #rowsRead(): Promise<number> {
    // The connection hands over its counts at the end of this statement.
    await this.query("SELECT pg_stat_force_next_flush()", []);
    const [total] = await this.query<{ rows: number }>(
      `SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)::float8
         + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)::float8 AS rows`,
      [],
    );
    return total?.rows ?? Number.NaN;
  }
}
