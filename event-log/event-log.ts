import type { Sequelize, Transaction } from "sequelize";
import type { EventEnvelope } from "../core/contract.ts";
import { PeriodicTask } from "../core/periodic-task.ts";
import { preparedOn, type Query } from "../database/prepared-statements.ts";

/** An event before it has its place in the log. */
export type RecordedEvent = Omit<EventEnvelope, "position">;

/** What a log needs of its service. */
export interface LogParts {
  sequelize: Sequelize;
  onFault: (fault: unknown) => void;
  /** How long entries are kept; undefined: for ever. */
  keepMs: number | undefined;
}

const pruneEveryMs = 60_000;
/** Entries removed in one transaction. */
const pruneBatch = 10_000;

/**
 * A service's event log: entries are written in the transaction of the change, with their
 * positions, which follow the order of the commits without gaps. Whoever has committed emits them
 * then; what nobody has emitted any more, consumers find in the log.
 */
export class EventLog {
  readonly #parts: LogParts;
  readonly #query: Query;
  readonly #prune: PeriodicTask;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#query = preparedOn(parts.sequelize);
    this.#prune = new PeriodicTask(pruneEveryMs, () => this.#pruneOld(), parts.onFault);
  }

  /**
   * Writes events in a transaction of the service, as its last statement: by then it holds the
   * locks of all it has changed, so that entries about the same row are in the right order. Gives
   * them with their positions, to be emitted after the commit.
   */
  async append(transaction: Transaction, events: RecordedEvent[]): Promise<EventEnvelope[]> {
    if (events.length === 0) return [];
    const query = preparedOn(this.#parts.sequelize, transaction);
    const sql = "SELECT append_events($1::jsonb) AS first_position";
    const [log] = await query<{ first_position: number }>(sql, [JSON.stringify(events)]);
    if (log === undefined) throw new Error("append_events returned no row");
    return withPositions(events, log.first_position);
  }

  start(): void {
    if (this.#parts.keepMs !== undefined) this.#prune.start();
  }

  /** Finishes what it is at. */
  async stop(): Promise<void> {
    await this.#prune.stop();
  }

  /** Removes entries that are older than they must be, and that every known reader has read. */
  async #pruneOld(): Promise<void> {
    const pruned = await this.#query<{ position: number }>(
      `WITH head AS (
         SELECT pruned_to FROM event_log_head
       ), old AS (
         DELETE FROM event_log WHERE position IN (
           SELECT e.position FROM event_log e, head
           WHERE e.position > head.pruned_to AND e.position <= head.pruned_to + $2
             AND e.position <= (SELECT min(position) FROM event_readers)
             -- Up to the first that is young enough to stay, so that no gap arises.
             AND e.position < coalesce(
               (SELECT min(young.position) FROM event_log young
                WHERE young.position > head.pruned_to AND young.position <= head.pruned_to + $2
                  AND young.occurred_at >= now() - $1 * interval '1 millisecond'),
               head.pruned_to + $2 + 1)
         ) RETURNING position
       )
       UPDATE event_log_head SET pruned_to = greatest(pruned_to, (SELECT max(position) FROM old))
       WHERE EXISTS (SELECT FROM old) RETURNING pruned_to AS position`,
      [this.#parts.keepMs, pruneBatch],
    );
    await this.#query(
      "DELETE FROM event_batches WHERE applied_at < now() - $1 * interval '1 millisecond'",
      [this.#parts.keepMs],
    );
    if (pruned.length > 0) this.#prune.trigger();
  }
}

/** Events that were appended together, with the positions that they have got. */
export function withPositions(
  events: readonly RecordedEvent[],
  firstPosition: number,
): EventEnvelope[] {
  return events.map((event, index) => ({ ...event, position: firstPosition + index }));
}
