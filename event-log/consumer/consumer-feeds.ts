import type { Context, ServiceBroker } from "moleculer";
import type { Sender } from "../../core/access.ts";
import type { EventEnvelope } from "../../core/contract.ts";
import type { ConsumerOptions } from "../../core/define-service.ts";
import { invalidField } from "../../core/errors.ts";
import type { HaltReason } from "../../core/events/event-progress.ts";
import { instrumentsOf } from "../../core/metrics/instruments.ts";
import type { Query } from "../../database/statements/prepared-statements.ts";
import { DeadLetterLog } from "../dead-letters/dead-letter-log.ts";
import { discardDeadLetter, redriveDeadLetter } from "../dead-letters/repair-dead-letters.ts";
import { rebuildReadModels } from "../reconciliation/rebuild.ts";
import { reconcile, type Reconciliation } from "../reconciliation/reconcile.ts";
import type { Continuation } from "../reconciliation/reconciliations.ts";
import type { ConsumerOperations, ReconcileParams } from "./event-consumer.actions.ts";
import type { RunTransaction } from "./event-cursor.ts";
import type { EventFeed } from "./event-feed.ts";
import { EventHandlers } from "./event-handlers.ts";
import { deadLetterMetrics, FeedMetrics } from "./feed-metrics.ts";
import { producerFeed, readPage } from "./producer-feed.ts";

/** The database of the consumer. */
interface ConsumerDatabase {
  transaction: RunTransaction;
  /** Runs a statement outside a transaction. */
  query: Query;
}

/** The feeds of one consumer, one for each producer, and what operators do with them. */
export class ConsumerFeeds implements ConsumerOperations {
  readonly producers: readonly string[];
  readonly #database: ConsumerDatabase;
  readonly #options: ConsumerOptions;
  readonly #feeds = new Map<string, EventFeed>();
  readonly #handlers = new Map<string, EventHandlers>();
  #metrics!: FeedMetrics;
  #logger!: ServiceBroker["logger"];
  #deadLetterLog!: DeadLetterLog;
  #isStopped = false;

  constructor(database: ConsumerDatabase, options: ConsumerOptions) {
    this.#database = database;
    this.#options = options;
    this.producers = options.producers.map(({ name }) => name);
  }

  /** Prepares log and metrics, when the service of the consumer is created. */
  create(broker: ServiceBroker, logger: ServiceBroker["logger"]): void {
    const { consumer } = this.#options;
    const instruments = instrumentsOf(broker);
    this.#logger = logger;
    this.#deadLetterLog = new DeadLetterLog(logger, consumer);
    this.#metrics = new FeedMetrics(instruments, consumer, this.producers);
    deadLetterMetrics(instruments, this.#database.query, consumer, this.producers);
  }

  start(broker: ServiceBroker): void {
    // `stopped` can run before `started`.
    if (this.#isStopped) return;
    const { consumer, producers, startFrom } = this.#options;
    for (const producer of producers) {
      const handlers = new EventHandlers(
        broker,
        producer,
        this.#options.handlers,
        this.#onDeadLetter,
      );
      const feed = producerFeed({
        ...this.#database,
        broker,
        logger: this.#logger,
        consumer,
        producer: producer.name,
        startFrom,
        handlers,
        metrics: this.#metrics,
        onDeadLetter: this.#onDeadLetter,
      });
      this.#handlers.set(producer.name, handlers);
      this.#feeds.set(producer.name, feed);
      feed.start();
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#feeds.values()].map((feed) => feed.stop()));
    this.#deadLetterLog.end();
  }

  /** Gives an event that the broker has delivered to the feed of its producer. */
  receive(event: EventEnvelope): void {
    if (Number.isInteger(event.position)) this.#feeds.get(event.producer)?.receive(event);
  }

  haltReasonOf(producer: string): HaltReason | undefined {
    return this.#metrics.haltReasonOf(producer);
  }

  async redrive(letterId: string): Promise<{ redriven: boolean }> {
    const handlersOf = (producer: string) => this.#handlers.get(producer);
    const event = await redriveDeadLetter(this.#database.transaction, handlersOf, letterId);
    if (event === undefined) return { redriven: false };
    this.#metrics.redriven(event.producer);
    this.#logger.info(`An operator has redriven ${event.type} ${event.id} of ${event.producer}.`);
    return { redriven: true };
  }

  async discard(letterId: string, sender: Sender): Promise<{ discarded: boolean }> {
    const { hasAuditTrail } = this.#options;
    const by = { sender, hasAuditTrail };
    const event = await discardDeadLetter(this.#database.transaction, letterId, by);
    if (event === undefined) return { discarded: false };
    this.#logger.warn(`An operator has discarded ${event.type} ${event.id} of ${event.producer}.`);
    return { discarded: true };
  }

  async rebuild(ctx: Context<{ producer: string }>): Promise<{ events: number }> {
    const { producer } = ctx.params;
    const { consumer, readModels } = this.#options;
    const tables = readModels[producer];
    if (tables === undefined) {
      const producers = Object.keys(readModels).join(", ");
      const available = producers === "" ? "no read models" : `read models of ${producers}`;
      throw invalidProducer(`${consumer} has ${available}.`);
    }
    const difference = await this.#reconcile(ctx, producer);
    const page = await readPage(ctx.broker, producer, 0, consumer);
    if (page === undefined) {
      throw invalidProducer(`${producer} is unavailable. Try again when it is running.`);
    }
    if (page.prunedTo > 0) {
      throw invalidProducer(`The log of ${producer} is pruned, so a rebuild would be incomplete.`);
    }
    const rebuilt = { producer, tables, difference, caller: ctx.nodeID };
    await rebuildReadModels(this.#database.transaction, rebuilt);
    this.#feeds.get(producer)?.readNow();
    return { events: page.head };
  }

  async reconcile(ctx: Context<ReconcileParams>): Promise<Reconciliation> {
    const { producer, continueFrom } = ctx.params;
    const result = await this.#reconcile(ctx, producer, continueFrom);
    if (result.continuesAfter !== null) {
      const { continuesAfter } = result;
      this.#logger.warn(`An operator has set the cursor for ${producer} to ${continuesAfter}.`);
      this.#feeds.get(producer)?.readNow();
    }
    return result;
  }

  async #reconcile(
    { broker, nodeID }: Context<{ producer: string }>,
    producer: string,
    continueFrom?: Continuation,
  ): Promise<Reconciliation> {
    const handlers = this.#handlers.get(producer);
    if (handlers === undefined) {
      const { consumer } = this.#options;
      throw invalidProducer(`${consumer} consumes the events of ${this.producers.join(", ")}.`);
    }
    const parts = {
      transaction: this.#database.transaction,
      readLog: (position: number) => readPage(broker, producer, position),
      knows: (event: EventEnvelope) => handlers.knows(event),
      onDeadLetter: this.#onDeadLetter,
      node: broker.nodeID,
      caller: nodeID,
    };
    return reconcile(parts, producer, continueFrom);
  }

  readonly #onDeadLetter = (event: EventEnvelope, reason: string): void => {
    this.#metrics.deadLettered(event.producer);
    this.#deadLetterLog.add(event, reason);
  };
}

function invalidProducer(message: string) {
  return invalidField("producer", message);
}
