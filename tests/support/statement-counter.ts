import pg from "pg";
import { eventually } from "./eventually.ts";

/** What PostgreSQL was asked for. */
export interface Asked {
  /** Each is a round trip; START TRANSACTION and COMMIT are statements, too. */
  statements: string[];
  /** A statement outside of any is one of its own. */
  transactions: number;
}

/** What follows from an order comes within less than that; pollers come once a second at most. */
const silenceMs = 60;

/** Where all of pg's clients have their `query` from. */
const clients = pg.Client.prototype as unknown as {
  query: (this: object, statement: string | { text: string }, ...others: unknown[]) => unknown;
};

/** Counts what this process asks of PostgreSQL, by whatever client, until it is stopped. */
export class StatementCounter {
  readonly #query = clients.query;
  readonly #inTransaction = new WeakSet<object>();
  #asked: Asked = { statements: [], transactions: 0 };
  #lastMs = performance.now();

  constructor() {
    const note = this.#note.bind(this);
    const query = this.#query;
    clients.query = function (statement, ...others) {
      note(this, typeof statement === "string" ? statement : statement.text);
      return query.call(this, statement, ...others);
    };
  }

  stop(): void {
    clients.query = this.#query;
  }

  /**
   * What some work takes, warm: the least of several times, since what goes on in the background
   * only adds to it. Each time begins in silence, when all that followed from the one before is done.
   */
  async least(times: number, work: () => Promise<unknown>): Promise<Asked> {
    const all: Asked[] = [];
    for (let time = 0; time < times; time += 1) {
      await eventually("silence", () => performance.now() - this.#lastMs > silenceMs);
      this.#asked = { statements: [], transactions: 0 };
      await work();
      all.push(this.#asked);
    }
    return all.reduce((a, b) => (b.statements.length < a.statements.length ? b : a));
  }

  #note(client: object, sql: string): void {
    this.#lastMs = performance.now();
    // Once in five seconds for each connection, however many requests there are.
    if (sql === "DISCARD PLANS") return;
    this.#asked.statements.push(sql);
    if (/^START TRANSACTION/i.test(sql)) {
      this.#asked.transactions += 1;
      this.#inTransaction.add(client);
    } else if (/^(COMMIT|ROLLBACK)/i.test(sql)) {
      this.#inTransaction.delete(client);
    } else if (!this.#inTransaction.has(client)) {
      this.#asked.transactions += 1;
    }
  }
}
