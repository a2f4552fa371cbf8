import { QueryTypes, type Sequelize, type Transaction } from "sequelize";
import type { EventEnvelope } from "../core/contract.ts";

/** An event before it has its place in the log. */
export type RecordedEvent = Omit<EventEnvelope, "position" | "producer">;

/** What a log answers to those who read it. */
export interface LogPage {
  /** In the order of their positions, without gaps. */
  events: EventEnvelope[];
}

/** Positions given in one transaction. */
const relayBatch = 500;
/** How often the log is looked through for what a process that died has left. */
const pollMs = 1_000;
const maxPageEvents = 500;
/** One answer over NATS may have 1 MB. */
const maxPageBytes = 400_000;

/**
 * A service's event log: entries are written in the transaction of the change, get their
 * positions once they are committed, in order and without gaps, and are then emitted. Any replica
 * may do so for all of them: what one that died has left, another one finds.
 */
export class EventLog {
  readonly #sequelize: Sequelize;
  readonly #producer: string;
  readonly #emit: (event: EventEnvelope) => void;
  readonly #onFault: (fault: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #relaying: Promise<void> | undefined;
  #again = false;
  #stopped = true;

  constructor(
    sequelize: Sequelize,
    producer: string,
    emit: (event: EventEnvelope) => void,
    onFault: (fault: unknown) => void,
  ) {
    this.#sequelize = sequelize;
    this.#producer = producer;
    this.#emit = emit;
    this.#onFault = onFault;
  }

  /**
   * Writes events in a transaction of the service, as its last statement: by then it holds the
   * locks of all it has changed, so that entries about the same row are in the right order.
   */
  async append(transaction: Transaction, events: RecordedEvent[]): Promise<void> {
    if (events.length === 0) return;
    await this.#sequelize.query(
      `INSERT INTO event_log (id, type, version, data, occurred_at)
       SELECT e.id, e.type, e.version, e.data, e."occurredAt"
       FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS
         (id uuid, type text, version integer, data jsonb, "occurredAt" timestamptz))
         WITH ORDINALITY AS e (id, type, version, data, "occurredAt", place)
       ORDER BY e.place`,
      { transaction, bind: [JSON.stringify(events)] },
    );
  }

  start(): void {
    this.#stopped = false;
    this.#timer = setInterval(() => {
      this.relaySoon();
    }, pollMs);
    this.relaySoon();
  }

  /** Emits what was committed, and waits for it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#relaying;
  }

  /** Gives positions to what is committed and emits it; calls that come meanwhile are gathered. */
  relaySoon(): void {
    this.#again = true;
    this.#relaying ??= this.#relayAll().finally(() => (this.#relaying = undefined));
  }

  async #relayAll(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        const events = await this.#givePositions();
        for (const event of events) this.#emit(event);
        if (events.length === relayBatch) this.#again = true;
      } catch (fault) {
        // The entries are safe; the next poll tries again.
        if (!this.#stopped) this.#onFault(fault);
        return;
      }
    }
  }

  async #givePositions(): Promise<EventEnvelope[]> {
    const waiting = await this.#select<object>(
      "SELECT FROM event_log WHERE position IS NULL LIMIT 1",
      [],
    );
    if (waiting.length === 0) return [];
    const rows = await this.#sequelize.transaction(async (transaction) => {
      // A statement of its own: the next one must see what the lock's last holder has done.
      await this.#select("SELECT FROM event_log_head FOR UPDATE", [], transaction);
      return this.#select<LogRow>(
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
         SELECT ${columns} FROM given ORDER BY given.position`,
        [relayBatch],
        transaction,
      );
    });
    return rows.map((row) => this.#envelope(row));
  }

  /** The entries behind a position, as many as one answer may carry. */
  async after(position: number): Promise<LogPage> {
    const rows = await this.#select<LogRow>(
      `SELECT ${columns} FROM (
         SELECT *, sum(length(data::text) + 300) OVER (ORDER BY position) AS bytes
         FROM (SELECT * FROM event_log WHERE position > $1 ORDER BY position LIMIT $2) page
       ) measured
       WHERE bytes <= $3 OR position = $1 + 1 ORDER BY measured.position`,
      [position, maxPageEvents, maxPageBytes],
    );
    return { events: rows.map((row) => this.#envelope(row)) };
  }

  #envelope({ position, occurred_at, ...event }: LogRow): EventEnvelope {
    return {
      ...event,
      producer: this.#producer,
      position: Number(position),
      occurredAt: occurred_at.toISOString(),
    };
  }

  #select<Row extends object>(sql: string, bind: unknown[], transaction?: Transaction) {
    const mode = { bind, type: QueryTypes.SELECT } as const;
    return this.#sequelize.query<Row>(sql, transaction ? { ...mode, transaction } : mode);
  }
}

const columns = "id, type, version, position, data, occurred_at";

interface LogRow {
  id: string;
  type: string;
  version: number;
  /** bigint comes as a text. */
  position: string;
  data: unknown;
  occurred_at: Date;
}
