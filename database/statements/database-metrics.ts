import type { Sequelize } from "sequelize";
import type { Instruments } from "../../core/metrics/instruments.ts";
import type { Counter, Histogram } from "../../core/metrics/series.ts";

const secondsBounds = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5];

/** The parts of Sequelize's pool that its types omit. */
interface Pool {
  acquire(...args: unknown[]): Promise<unknown>;
  readonly using: number;
  readonly available: number;
  readonly waiting: number;
  readonly maxSize: number;
}

interface StatementSeries {
  seconds: Histogram;
  errors: Counter;
}

/** Times the statements of one database and its waits for a connection. */
export class DatabaseMetrics {
  readonly #service: string;
  readonly #pool: Pool;
  readonly #statements = new Map<string, StatementSeries>();
  #seriesOf: ((statement: string) => StatementSeries) | undefined;

  private constructor(sequelize: Sequelize, service: string) {
    this.#service = service;
    const { connectionManager } = sequelize as unknown as { connectionManager: { pool: Pool } };
    this.#pool = connectionManager.pool;
  }

  static readonly #all = new WeakMap<object, DatabaseMetrics>();

  /** Returns the metrics of a database; undefined for one without metrics. */
  static of(sequelize: object): DatabaseMetrics | undefined {
    return DatabaseMetrics.#all.get(sequelize);
  }

  /** Adds the metrics of a service's database. */
  static add(sequelize: Sequelize, service: string, instruments: Instruments): void {
    const metrics = new DatabaseMetrics(sequelize, service);
    metrics.#addPool(instruments);
    metrics.#addStatements(instruments);
    if (instruments.isEnabled) DatabaseMetrics.#all.set(sequelize, metrics);
  }

  /**
   * Records a statement.
   *
   * @param statement the kind of the statement and its tables, without values, so that there are few
   */
  record(statement: string, startedMs: number, isFailed: boolean): void {
    let series = this.#statements.get(statement);
    if (series === undefined) {
      if (this.#seriesOf === undefined) return;
      this.#statements.set(statement, (series = this.#seriesOf(statement)));
    }
    series.seconds.observe((performance.now() - startedMs) / 1_000);
    if (isFailed) series.errors.add();
  }

  #addStatements(instruments: Instruments): void {
    const labels = ["service", "statement"] as const;
    const seconds = instruments.histograms(
      "shop_database_statement_duration_seconds",
      "Duration of SQL statements in seconds",
      labels,
      secondsBounds,
    );
    const errors = instruments.counters(
      "shop_database_statement_errors_total",
      "Failed SQL statements, also those of a violated constraint",
      labels,
    );
    const service = this.#service;
    this.#seriesOf = (statement) => ({
      seconds: seconds.of({ service, statement }),
      errors: errors.of({ service, statement }),
    });
  }

  #addPool(instruments: Instruments): void {
    const pool = this.#pool;
    const service = this.#service;
    const waits = instruments
      .histograms(
        "shop_database_pool_wait_seconds",
        "Waits for a connection when none was idle, in seconds",
        ["service"],
        secondsBounds,
      )
      .of({ service });
    if (instruments.isEnabled) {
      const acquire = pool.acquire.bind(pool);
      pool.acquire = (...args) => {
        if (pool.available > 0) return acquire(...args);
        const startedMs = performance.now();
        return acquire(...args).finally(() => {
          waits.observe((performance.now() - startedMs) / 1_000);
        });
      };
    }
    instruments.read(`the connection pool of ${service}`, {
      metrics: {
        shop_database_pool_connections: "Open connections of the pool",
        shop_database_pool_limit: "Connections that the pool may open",
        shop_database_pool_waiting: "Statements and transactions that wait for a connection",
      },
      read: () => {
        const connections = "shop_database_pool_connections";
        const used = { service, state: "used" };
        const idle = { service, state: "idle" };
        return [
          { name: connections, labels: used, value: pool.using },
          { name: connections, labels: idle, value: pool.available },
          { name: "shop_database_pool_limit", labels: { service }, value: pool.maxSize },
          { name: "shop_database_pool_waiting", labels: { service }, value: pool.waiting },
        ];
      },
    });
  }
}
