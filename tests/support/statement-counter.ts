import pg from "pg";
import { eventually } from "../../tools/support/eventually.ts";

/** What PostgreSQL was asked for. */
export interface Asked {
  /** Each is a round trip; START TRANSACTION and COMMIT are statements, too. */
  statements: string[];
  /** A statement outside of any is one of its own. */
  transactions: number;
}

/**
 * What follows from an order comes within fewer looks than that while nothing is under way; pollers
 * come once a second at most. Looks are counted, since time passes also while no process gets its turn.
 */
const silentLooks = 4;
const lookEveryMs = 20;

/** Where all of pg's clients have their `query` from. */
const clients = pg.Client.prototype as unknown as {
  query: (this: object, statement: string | { text: string }, ...others: unknown[]) => unknown;
};

/** Counts what this process asks of PostgreSQL, by whatever client, until it is stopped. */
export class StatementCounter {
  readonly #query = clients.query;
  readonly #inTransaction = new WeakSet<object>();
  #asked: Asked = { statements: [], transactions: 0 };
  /** Statements that are not answered yet. */
  #waited = 0;
  /** Looks since the last statement. */
  #looks = 0;

  constructor() {
    const note = this.#note.bind(this);
    const query = this.#query;
    const answered = this.#answered.bind(this);
    clients.query = function (statement, ...others) {
      note(this, typeof statement === "string" ? statement : statement.text);
      const callback = others.at(-1);
      if (typeof callback === "function") {
        const told = (...answer: unknown[]) => {
          answered();
          (callback as (...answer: unknown[]) => void)(...answer);
        };
        return query.call(this, statement, ...others.slice(0, -1), told);
      }
      const result = query.call(this, statement, ...others);
      void Promise.resolve(result).then(answered, answered);
      return result;
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
      await this.#silence();
      this.#asked = { statements: [], transactions: 0 };
      await work();
      all.push(this.#asked);
    }
    return all.reduce((a, b) => (b.statements.length < a.statements.length ? b : a));
  }

  async #silence(): Promise<void> {
    this.#looks = 0;
    const isSilent = () => {
      this.#looks = this.#waited > 0 ? 0 : this.#looks + 1;
      return this.#looks > silentLooks;
    };
    await eventually("silence", isSilent, { everyMs: lookEveryMs });
  }

  #answered(): void {
    this.#waited -= 1;
  }

  #note(client: object, sql: string): void {
    this.#waited += 1;
    this.#looks = 0;
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
