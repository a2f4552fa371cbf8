import type { ServiceBroker } from "moleculer";
import {
  ClockDifference,
  clockDifferenceHelp,
  clockDifferenceMetric,
  comparison,
  isExact,
} from "../core/clock/clock-difference.ts";
import { databaseReadingsMaxAgeMs, instrumentsOf } from "../core/metrics/instruments.ts";
import { isDiskFault } from "./errors/database-errors.ts";
import type { Query } from "./statements/prepared-statements.ts";

/** How long a fault of the disk counts. With a full disk, other writes may succeed in between. */
const faultCountsMs = 60_000;

/**
 * Tells whether a database that answers refuses writes: it is a standby, it is set to read-only, or
 * its disk is full. The service then still serves reads. Each check also compares the clock of the
 * database with that of this node.
 */
export class WriteState {
  readonly #query: Query;
  #diskFaultAtMs = -Infinity;
  #clock: ClockDifference | undefined;

  constructor(query: Query) {
    this.#query = query;
  }

  /** Remembers the error of a failed statement, if it is a fault of the disk. */
  recordFault(error: unknown): void {
    if (isDiskFault(error)) this.#diskFaultAtMs = performance.now();
  }

  /** Throws if the database does not answer. */
  async isReadOnly(): Promise<boolean> {
    const beforeMs = Date.now();
    // On a standby, each transaction is read-only.
    const sql = `SELECT current_setting('transaction_read_only') = 'on' AS read_only,
       1000 * extract(epoch FROM clock_timestamp())::float8 AS clock_ms`;
    const [row] = await this.#query<{ read_only: boolean; clock_ms: number }>(sql, []);
    if (row === undefined) throw new Error("SELECT without FROM returned no row.");
    const compared = comparison(row.clock_ms, beforeMs, Date.now());
    if (isExact(compared)) this.#clock?.record(compared.differenceMs);
    return row.read_only || performance.now() - this.#diskFaultAtMs < faultCountsMs;
  }

  addMetrics(broker: ServiceBroker, service: string): void {
    const clock = new ClockDifference(broker, `that of the database of ${service}`, service);
    this.#clock = clock;
    const readOnly = "shop_database_read_only";
    instrumentsOf(broker).read(`the database of ${service}`, {
      metrics: {
        [readOnly]: "1 if the database refuses writes, for example because its disk is full",
        [clockDifferenceMetric]: clockDifferenceHelp,
      },
      maxAgeMs: databaseReadingsMaxAgeMs,
      read: async () => {
        const value = Number(await this.isReadOnly());
        return [{ name: readOnly, labels: { service }, value }, ...clock.readings()];
      },
    });
  }
}
