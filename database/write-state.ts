import type { ServiceBroker } from "moleculer";
import { databaseReadingsMaxAgeMs, instrumentsOf } from "../core/metrics/instruments.ts";
import { isDiskFault } from "./errors/database-errors.ts";
import type { Query } from "./statements/prepared-statements.ts";

/** How long a fault of the disk counts. With a full disk, other writes may succeed in between. */
const faultCountsMs = 60_000;

/**
 * Tells whether a database that answers refuses writes: it is a standby, it is set to read-only, or
 * its disk is full. The service then still serves reads.
 */
export class WriteState {
  readonly #query: Query;
  #diskFaultAtMs = -Infinity;

  constructor(query: Query) {
    this.#query = query;
  }

  /** Takes the error of a failed statement. */
  note(error: unknown): void {
    if (isDiskFault(error)) this.#diskFaultAtMs = performance.now();
  }

  /** Throws if the database does not answer. */
  async isReadOnly(): Promise<boolean> {
    // On a standby, each transaction is read-only.
    const sql = "SELECT current_setting('transaction_read_only') = 'on' AS read_only";
    const [row] = await this.#query<{ read_only: boolean }>(sql, []);
    return row?.read_only === true || performance.now() - this.#diskFaultAtMs < faultCountsMs;
  }

  addMetric(broker: ServiceBroker, service: string): void {
    const name = "shop_database_read_only";
    instrumentsOf(broker).read(`the database of ${service}`, {
      metrics: { [name]: "1 if the database refuses writes, for example because its disk is full" },
      maxAgeMs: databaseReadingsMaxAgeMs,
      read: async () => [{ name, labels: { service }, value: Number(await this.isReadOnly()) }],
    });
  }
}
