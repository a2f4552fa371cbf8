import type { Sequelize, Transaction } from "sequelize";
import type { EventEnvelope } from "../core/contract.ts";
import { PeriodicTask } from "../core/tasks/periodic-task.ts";
import { preparedOn, type Query } from "../database/statements/prepared-statements.ts";

/** An event that has no position in the log yet. */
export type RecordedEvent = Omit<EventEnvelope, "position" | "previousId">;

/** Where the events of one statement begin in the log, as `append_events_chained` returns it. */
export interface LogStart {
  first_position: number;
  /** The id of the event before them; null without one, or if it is pruned. */
  previous_id: string | null;
}

/** The settings and dependencies of an event log. */
export interface LogParts {
  sequelize: Sequelize;
  /** Runs a statement outside a transaction. */
  query: Query;
  onFault: (fault: unknown) => void;
  /** How long entries are kept; undefined keeps them forever. */
  keepMs: number | undefined;
}

const pruneEveryMs = 60_000;
/** The maximum number of entries that one transaction removes. */
const pruneBatch = 10_000;

/**
 * A service's event log. The transaction of a change writes its events, with positions that follow
 * the order of the commits without gaps. After the commit, the node emits the events through the
 * broker. Consumers read an event from the log if the node stops before it emits.
 */
export class EventLog {
  readonly #parts: LogParts;
  readonly #prune: PeriodicTask;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#prune = new PeriodicTask(pruneEveryMs, () => this.#pruneOld(), parts.onFault);
  }

  /**
   * Writes events as the last statement of a transaction. The transaction then holds the locks of
   * all rows it has changed, so that entries about the same row are in the order of their changes.
   * Returns the events with their positions; the caller emits them after the commit.
   */
  async append(transaction: Transaction, events: RecordedEvent[]): Promise<EventEnvelope[]> {
    if (events.length === 0) return [];
    const query = preparedOn(this.#parts.sequelize, transaction);
    const sql = "SELECT first_position, previous_id FROM append_events_chained($1::jsonb)";
    const [start] = await query<LogStart>(sql, [JSON.stringify(events)]);
    if (start === undefined) throw new Error("append_events_chained returned no row.");
    return withPositions(events, start);
  }

  start(): void {
    if (this.#parts.keepMs !== undefined) this.#prune.start();
  }

  /** Waits for pruning to finish. */
  async stop(): Promise<void> {
    await this.#prune.stop();
  }

  /** Removes entries that are older than `keepMs` and that every consumer has read. */
  async #pruneOld(): Promise<void> {
    const pruned = await this.#parts.query<{ position: number }>(
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
    await this.#parts.query(
      "DELETE FROM event_batches WHERE applied_at < now() - $1 * interval '1 millisecond'",
      [this.#parts.keepMs],
    );
    if (pruned.length > 0) this.#prune.trigger();
  }
}

/** Assigns consecutive positions to events that were appended in one statement. */
export function withPositions(
  events: readonly RecordedEvent[],
  { first_position, previous_id }: LogStart,
): EventEnvelope[] {
  return events.map((event, index) => {
    const previousId = events[index - 1]?.id ?? previous_id;
    const position = first_position + index;
    return { ...event, position, ...(previousId !== null && { previousId }) };
  });
}
