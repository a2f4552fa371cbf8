import { randomUUID } from "node:crypto";
import pg from "pg";
import { currentAction } from "../../../core/tracing/trace.ts";
import { eventually } from "../../../tools/support/eventually.ts";

/** The statements and transactions of some work. */
export interface StatementCount {
  /** Each is a round trip; START TRANSACTION and COMMIT are statements, too. */
  statements: string[];
  /** A statement outside a transaction counts as one. */
  transactions: number;
}

/**
 * The number of polls without a statement after which an order has no more consequences: a consumer
 * collects events for up to 100 ms. Background pollers run at most once a second. Polls are counted,
 * because time also passes while a busy machine does not run this process.
 */
const silentPolls = 8;
const pollMs = 20;
/** The first repetition may prepare statements. */
const minRepetitions = 4;
/** On a busy machine, background work disturbs most repetitions. */
const maxRepetitions = 40;

/** The prototype from which all clients of pg inherit `query`. */
const clientPrototype = pg.Client.prototype as unknown as {
  query: (this: object, statement: string | { text: string }, ...others: unknown[]) => unknown;
};

/** Counts the statements of all PostgreSQL clients of this process until `stop`. */
export class StatementCounter {
  readonly #query = clientPrototype.query;
  readonly #inTransaction = new WeakSet<object>();
  #count: StatementCount = { statements: [], transactions: 0 };
  /** The only request whose statements are counted; undefined for all statements. */
  #requestId: string | undefined;
  /** Statements in flight. */
  #inFlight = 0;
  /** Statements of background pollers, which are not counted. */
  readonly #background = new Set<string>();
  /** Polls since the last statement. */
  #silentPolls = 0;

  constructor() {
    const started = this.#started.bind(this);
    const query = this.#query;
    const answered = this.#answered.bind(this);
    clientPrototype.query = function (statement, ...others) {
      started(this, typeof statement === "string" ? statement : statement.text);
      const callback = others.at(-1);
      if (typeof callback === "function") {
        const countedCallback = (...answer: unknown[]) => {
          answered();
          (callback as (...answer: unknown[]) => void)(...answer);
        };
        return query.call(this, statement, ...others.slice(0, -1), countedCallback);
      }
      const result = query.call(this, statement, ...others);
      void Promise.resolve(result).then(answered, answered);
      return result;
    };
  }

  stop(): void {
    clientPrototype.query = this.#query;
  }

  /**
   * Learns the statements that the shop sends by itself: call it while nothing else is asked of the
   * shop. It waits until one of them came twice.
   */
  async ignoreBackground(): Promise<void> {
    await this.#silence();
    this.#count = { statements: [], transactions: 0 };
    await eventually("a background statement that repeats", () => {
      const { statements } = this.#count;
      return new Set(statements).size < statements.length;
    });
    // The transactions of all work begin and end by the same statements.
    const isOwn = (sql: string) => !/^(START TRANSACTION|COMMIT|ROLLBACK)/i.test(sql);
    for (const sql of this.#count.statements.filter(isOwn)) this.#background.add(sql);
  }

  /**
   * Counts the statements that the actions of a request send, warm: the least of several repetitions.
   *
   * @param expected more statements are counted again
   * @param send sends the request with this id
   */
  ofRequest(
    expected: number,
    send: (requestId: string) => Promise<unknown>,
  ): Promise<StatementCount> {
    return this.#least(expected, async () => {
      this.#requestId = randomUUID();
      await send(this.#requestId);
      this.#requestId = undefined;
    });
  }

  /**
   * Counts the statements of a request and of the consumers that follow, warm: the least of several
   * repetitions, because background work only adds statements.
   *
   * @param expected more statements are counted again
   */
  withConsumers(
    expected: number,
    send: (requestId: string) => Promise<unknown>,
  ): Promise<StatementCount> {
    return this.#least(expected, async () => {
      await send(randomUUID());
      await this.#silence();
    });
  }

  /** Each repetition begins when the previous one has no more consequences. */
  async #least(expected: number, work: () => Promise<unknown>): Promise<StatementCount> {
    let least: StatementCount = { statements: [], transactions: 0 };
    for (let time = 0; time < maxRepetitions; time += 1) {
      await this.#silence();
      this.#count = { statements: [], transactions: 0 };
      await work();
      const { statements } = this.#count;
      if (time === 0 || statements.length < least.statements.length) least = this.#count;
      if (time + 1 >= minRepetitions && least.statements.length <= expected) break;
    }
    return least;
  }

  async #silence(): Promise<void> {
    this.#silentPolls = 0;
    const isSilent = () => {
      this.#silentPolls = this.#inFlight > 0 ? 0 : this.#silentPolls + 1;
      return this.#silentPolls > silentPolls;
    };
    await eventually("silence", isSilent, { everyMs: pollMs });
  }

  #answered(): void {
    this.#inFlight -= 1;
  }

  #started(client: object, sql: string): void {
    this.#inFlight += 1;
    this.#silentPolls = 0;
    // Sent once in five seconds per connection, regardless of the requests.
    if (sql === "DISCARD PLANS" || this.#background.has(sql)) return;
    if (this.#requestId !== undefined && currentAction.getStore()?.requestID !== this.#requestId)
      return;
    this.#count.statements.push(sql);
    if (/^START TRANSACTION/i.test(sql)) {
      this.#count.transactions += 1;
      this.#inTransaction.add(client);
    } else if (/^(COMMIT|ROLLBACK)/i.test(sql)) {
      this.#inTransaction.delete(client);
    } else if (!this.#inTransaction.has(client)) {
      this.#count.transactions += 1;
    }
  }
}
