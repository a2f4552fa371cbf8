import type { Sequelize, Transaction } from "sequelize";
import type { EventEnvelope } from "../core/contract.ts";
import { Repeat } from "../core/repeat.ts";
import { toEnvelope, type LogRow } from "./event-log-reading.ts";
import { preparedOn, type Query } from "./prepared.ts";

/** An event before it has its place in the log. */
export type RecordedEvent = Omit<EventEnvelope, "position" | "producer">;

/** What a log needs of its service. */
export interface LogParts {
  sequelize: Sequelize;
  producer: string;
  emit: (event: EventEnvelope) => void;
  onFault: (fault: unknown) => void;
  /** How long entries are kept; undefined: for ever. */
  keepMs: number | undefined;
}

/** Positions given in one transaction. */
const relayBatch = 500;
/**
 * Events of so long get their positions together: each time is a commit here, and one in every
 * consumer, for which those who change something would have to wait.
 */
const gatherMs = 25;
/** How often the log is looked through for what a process that died has left. */
const pollMs = 1_000;
const pruneEveryMs = 60_000;
/** Entries removed in one transaction. */
const pruneBatch = 10_000;

/**
 * A service's event log: entries are written in the transaction of the change, get their
 * positions once they are committed, in order and without gaps, and are then emitted. Any replica
 * may do so for all of them: what one that died has left, another one finds.
 */
export class EventLog {
  readonly #parts: LogParts;
  readonly #query: Query;
  readonly #relay: Repeat;
  readonly #prune: Repeat;
  #gathering: NodeJS.Timeout | undefined;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#query = preparedOn(parts.sequelize);
    // Entries are safe where they are: what fails is tried again at the next poll.
    this.#relay = new Repeat(pollMs, () => this.#relayAll(), parts.onFault);
    this.#prune = new Repeat(pruneEveryMs, () => this.#pruneOld(), parts.onFault);
  }

  /**
   * Writes events in a transaction of the service, as its last statement: by then it holds the
   * locks of all it has changed, so that entries about the same row are in the right order.
   */
  async append(transaction: Transaction, events: RecordedEvent[]): Promise<void> {
    if (events.length === 0) return;
    await preparedOn(this.#parts.sequelize, transaction)(
      `INSERT INTO event_log (id, type, version, data, occurred_at, traceparent)
       SELECT e.id, e.type, e.version, e.data, e."occurredAt", e.traceparent
       FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS
         (id uuid, type text, version integer, data jsonb, "occurredAt" timestamptz, traceparent text))
         WITH ORDINALITY AS e (id, type, version, data, "occurredAt", traceparent, place)
       ORDER BY e.place`,
      [JSON.stringify(events)],
    );
  }

  start(): void {
    this.#relay.start();
    if (this.#parts.keepMs !== undefined) this.#prune.start();
  }

  /** Finishes what it is at. */
  async stop(): Promise<void> {
    clearTimeout(this.#gathering);
    await Promise.all([this.#relay.stop(), this.#prune.stop()]);
  }

  /** Gives positions to what is committed and emits it; calls that come meanwhile are gathered. */
  relaySoon(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#relay.soon();
    }, gatherMs);
  }

  async #relayAll(): Promise<void> {
    let events: EventEnvelope[];
    do {
      events = await this.#givePositions();
      for (const event of events) this.#parts.emit(event);
    } while (events.length === relayBatch);
  }

  async #givePositions(): Promise<EventEnvelope[]> {
    const waiting = await this.#query("SELECT FROM event_log WHERE position IS NULL LIMIT 1", []);
    if (waiting.length === 0) return [];
    const { sequelize, producer } = this.#parts;
    const rows = await sequelize.transaction(async (transaction) => {
      const query = preparedOn(sequelize, transaction);
      // A statement of its own: the next one must see what the lock's last holder has done.
      await query("SELECT FROM event_log_head FOR UPDATE", []);
      return query<LogRow>(
        `WITH next AS (
           SELECT seq, row_number() OVER (ORDER BY seq) AS place
           FROM event_log WHERE position IS NULL ORDER BY seq LIMIT $1
         ), head AS (
           UPDATE event_log_head SET position = position + (SELECT count(*) FROM next)
           RETURNING position - (SELECT count(*) FROM next) AS before
         ), given AS (
           UPDATE event_log e SET position = head.before + next.place
           FROM next, head WHERE e.seq = next.seq
           RETURNING e.*
         )
         SELECT id, type, version, position, data, occurred_at, traceparent
         FROM given ORDER BY given.position`,
        [relayBatch],
      );
    });
    return rows.map((row) => toEnvelope(producer, row));
  }

  /** Removes entries that are older than they must be, and that every known reader has read. */
  async #pruneOld(): Promise<void> {
    const pruned = await this.#query<{ position: string }>(
      `WITH head AS (
         SELECT pruned_to FROM event_log_head FOR UPDATE
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
       UPDATE event_log_head SET pruned_to = (SELECT max(position) FROM old)
       WHERE EXISTS (SELECT FROM old) RETURNING pruned_to AS position`,
      [this.#parts.keepMs, pruneBatch],
    );
    await this.#query(
      "DELETE FROM event_batches WHERE applied_at < now() - $1 * interval '1 millisecond'",
      [this.#parts.keepMs],
    );
    if (pruned.length > 0) this.#prune.soon();
  }
}
