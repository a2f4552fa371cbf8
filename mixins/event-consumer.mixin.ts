import type { Context, Service, ServiceBroker, ServiceSchema } from "moleculer";
import type { Sender } from "../core/access.ts";
import type { EventEnvelope } from "../core/contract.ts";
import type { ConsumerOptions } from "../core/define-service.ts";
import { invalidField } from "../core/errors.ts";
import { instrumentsOf } from "../core/metrics/instruments.ts";
import { DeadLetterLog } from "../event-log/dead-letters/dead-letter-log.ts";
import {
  consumerActions,
  type ReconcileParams,
} from "../event-log/consumer/event-consumer.actions.ts";
import type { RunTransaction } from "../event-log/consumer/event-cursor.ts";
import type { EventFeed } from "../event-log/consumer/event-feed.ts";
import { EventHandlers } from "../event-log/consumer/event-handlers.ts";
import { deadLetterMetrics, FeedMetrics } from "../event-log/consumer/feed-metrics.ts";
import { producerFeed, readPage } from "../event-log/consumer/producer-feed.ts";
import {
  discardDeadLetter,
  redriveDeadLetter,
} from "../event-log/dead-letters/repair-dead-letters.ts";
import { rebuildReadModels } from "../event-log/reconciliation/rebuild.ts";
import { reconcile, type Reconciliation } from "../event-log/reconciliation/reconcile.ts";
import type { Continuation } from "../event-log/reconciliation/reconciliations.ts";
import type { Query } from "../database/statements/prepared-statements.ts";

/**
 * Consumes the events of other services. Each event is applied in its producer's order and exactly
 * once, because one transaction contains its effect and the move of the cursor. An event becomes a
 * dead letter if its handler keeps failing or rejects it, or if it violates its contract. Later events
 * go on. A type or version that this node does not know halts the feed.
 *
 * @param database the database of the consumer
 */
export function eventConsumer(
  database: { transaction: RunTransaction; query: Query },
  options: ConsumerOptions,
): Partial<ServiceSchema> {
  const { transaction, query } = database;
  const { consumer, producers, startFrom, readModels, hasAuditTrail } = options;
  const producerNames = producers.map(({ name }) => name);
  const feeds = new Map<string, EventFeed>();
  const handlers = new Map<string, EventHandlers>();
  let metrics: FeedMetrics;
  let logger: ServiceBroker["logger"];
  let deadLetterLog: DeadLetterLog;
  const onDeadLetter = (event: EventEnvelope, reason: string) => {
    metrics.deadLettered(event.producer);
    deadLetterLog.add(event, reason);
  };

  async function redrive(letterId: string): Promise<{ redriven: boolean }> {
    const event = await redriveDeadLetter(transaction, (name) => handlers.get(name), letterId);
    if (event === undefined) return { redriven: false };
    metrics.redriven(event.producer);
    logger.info(`An operator has redriven ${event.type} ${event.id} of ${event.producer}.`);
    return { redriven: true };
  }

  async function discard(letterId: string, sender: Sender): Promise<{ discarded: boolean }> {
    const event = await discardDeadLetter(transaction, letterId, { sender, hasAuditTrail });
    if (event === undefined) return { discarded: false };
    logger.warn(`An operator has discarded ${event.type} ${event.id} of ${event.producer}.`);
    return { discarded: true };
  }

  /** Rebuilds the read models of a producer's data. */
  async function rebuild(ctx: Context<{ producer: string }>): Promise<{ events: number }> {
    const { producer } = ctx.params;
    const tables = readModels[producer];
    if (tables === undefined) {
      const available = Object.keys(readModels).join(", ") || "no producer";
      throw invalidProducer(`${consumer} has read models of ${available}.`);
    }
    const difference = await reconcileWith(ctx, producer);
    const page = await readPage(ctx.broker, producer, 0, consumer);
    if (page === undefined) {
      throw invalidProducer(`${producer} is unavailable. Try again when it is running.`);
    }
    if (page.prunedTo > 0) {
      throw invalidProducer(`The log of ${producer} is pruned, so a rebuild would be incomplete.`);
    }
    await rebuildReadModels(transaction, { producer, tables, difference, caller: ctx.nodeID });
    feeds.get(producer)?.readNow();
    return { events: page.head };
  }

  /** Shows how this service and a producer differ, and lets a halted feed continue. */
  async function reconcileFeed(ctx: Context<ReconcileParams>): Promise<Reconciliation> {
    const { producer, continueFrom } = ctx.params;
    const result = await reconcileWith(ctx, producer, continueFrom);
    if (result.continuesAfter !== null) {
      logger.warn(`An operator has set the cursor for ${producer} to ${result.continuesAfter}.`);
      feeds.get(producer)?.readNow();
    }
    return result;
  }

  async function reconcileWith(
    { broker, nodeID }: Context<{ producer: string }>,
    producer: string,
    continueFrom?: Continuation,
  ): Promise<Reconciliation> {
    const eventHandlers = handlers.get(producer);
    if (eventHandlers === undefined) {
      throw invalidProducer(`${consumer} consumes the events of ${producerNames.join(", ")}.`);
    }
    const parts = {
      transaction,
      readLog: (position: number) => readPage(broker, producer, position),
      knows: (event: EventEnvelope) => eventHandlers.knows(event),
      onDeadLetter,
      node: broker.nodeID,
      caller: nodeID,
    };
    return reconcile(parts, producer, continueFrom);
  }

  // The consumer also receives events without a handler, so that the positions have no gap.
  const types = producers.flatMap(({ events }) => Object.keys(events));
  const receive = {
    handler({ params: event }: Context<EventEnvelope>) {
      if (Number.isInteger(event.position)) feeds.get(event.producer)?.receive(event);
    },
  };
  let isStopped = false;
  return {
    actions: consumerActions(
      transaction,
      query,
      { redrive, discard, rebuild, reconcile: reconcileFeed },
      { producers: producerNames, haltReasonOf: (producer) => metrics.haltReasonOf(producer) },
    ),
    events: Object.fromEntries(types.map((type) => [type, receive])),
    created(this: Service) {
      logger = this.logger;
      deadLetterLog = new DeadLetterLog(logger, consumer);
      const instruments = instrumentsOf(this.broker);
      metrics = new FeedMetrics(instruments, consumer, producerNames);
      deadLetterMetrics(instruments, query, consumer, producerNames);
    },
    async started(this: { broker: ServiceBroker }) {
      // `stopped` can run before `started`.
      if (isStopped) return;
      for (const producer of producers) {
        const eventHandlers = new EventHandlers(
          this.broker,
          producer,
          options.handlers,
          onDeadLetter,
        );
        const feed = producerFeed({
          broker: this.broker,
          logger,
          consumer,
          producer: producer.name,
          startFrom,
          transaction,
          query,
          handlers: eventHandlers,
          metrics,
          onDeadLetter,
        });
        handlers.set(producer.name, eventHandlers);
        feeds.set(producer.name, feed);
        feed.start();
      }
    },
    async stopped() {
      isStopped = true;
      await Promise.all([...feeds.values()].map((feed) => feed.stop()));
      deadLetterLog.end();
    },
  };
}

function invalidProducer(message: string) {
  return invalidField("producer", message);
}
