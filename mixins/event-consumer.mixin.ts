import type { Context, Service, ServiceBroker, ServiceSchema } from "moleculer";
import type { Sender } from "../core/access.ts";
import type { Contract, EventEnvelope } from "../core/contract.ts";
import type { ConsumerOptions } from "../core/define-service.ts";
import { invalidField } from "../core/errors.ts";
import { instrumentsOf } from "../core/metrics/instruments.ts";
import { callIfAvailable } from "../core/tasks/call-if-available.ts";
import { BatchApplier } from "../event-log/consumer/batch-applier.ts";
import { DeadLetterLog } from "../event-log/dead-letters/dead-letter-log.ts";
import {
  consumerActions,
  type ReconcileParams,
} from "../event-log/consumer/event-consumer.actions.ts";
import {
  hasCursor,
  makeCursor,
  setCursorEvent,
  skipPruned,
  type RunTransaction,
} from "../event-log/consumer/event-cursor.ts";
import { EventFeed } from "../event-log/consumer/event-feed.ts";
import { EventHandlers } from "../event-log/consumer/event-handlers.ts";
import type { LogPage } from "../event-log/event-log-reading.ts";
import { describeHalt } from "../event-log/consumer/feed-halt.ts";
import { deadLetterMetrics, FeedMetrics } from "../event-log/consumer/feed-metrics.ts";
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
  const feeds = new Map<string, EventFeed>();
  const handlers = new Map<string, EventHandlers>();
  let metrics: FeedMetrics | undefined;
  let logger: ServiceBroker["logger"];
  let deadLetterLog: DeadLetterLog | undefined;
  const onDeadLetter = (event: EventEnvelope, reason: string) => {
    metrics?.deadLettered(event.producer);
    deadLetterLog?.add(event, reason);
  };

  /** @param areApplied confirms that this consumer has applied all events up to the position */
  function readPage(
    broker: ServiceBroker,
    producer: Contract,
    position: number,
    areApplied: boolean,
  ) {
    const reader = areApplied ? { consumer } : {};
    return callIfAvailable<LogPage>(broker, `${producer.name}.eventsAfter`, {
      position,
      ...reader,
    });
  }

  function createFeed(
    broker: ServiceBroker,
    producer: Contract,
    eventHandlers: EventHandlers,
  ): EventFeed {
    const { name } = producer;
    const applier = new BatchApplier({
      consumer,
      producer: name,
      node: broker.nodeID,
      transaction,
      query,
      handlers: eventHandlers,
      onDeadLetter,
    });
    const onFault = (fault: unknown) => {
      metrics?.failed(name);
      logger.error(`An event of ${name} could not be applied.`, fault);
    };
    const feed: EventFeed = new EventFeed({
      async begin() {
        if (await transaction((work) => hasCursor(work, name))) return true;
        const page =
          startFrom === "now"
            ? await readPage(broker, producer, Number.MAX_SAFE_INTEGER, true)
            : { head: 0 };
        if (page === undefined) return false;
        await transaction((work) => makeCursor(work, name, page.head));
        return true;
      },
      async readLog({ position, eventId }, isAhead) {
        // Of a log that was set back, the events up to the cursor were not applied.
        const areApplied = !isAhead && feed.halt?.reason !== "set_back";
        const page = await readPage(broker, producer, position, areApplied);
        if (page === undefined || isAhead) return page;
        if (page.prunedTo > position) {
          logger.warn(`${consumer} skips the pruned events of ${name}.`);
          await transaction((work) => skipPruned(work, name, page.prunedTo));
        }
        // A producer of an older version sends no `previousId`.
        const previousId = page.previousId as string | null | undefined;
        if (eventId === null && typeof previousId === "string") {
          await transaction((work) =>
            setCursorEvent(work, name, { position, eventId: previousId }),
          );
        }
        return page;
      },
      async apply(events, limit) {
        const applied = await applier.apply(events, limit);
        metrics?.setHalted(name, feed.halt?.reason);
        metrics?.applied(name, applied.batch);
        return applied;
      },
      deadLetter: (event, reason) => applier.deadLetter(event, reason),
      onFault,
      onHalt: (halt) => {
        metrics?.setHalted(name, halt?.reason);
        if (halt === undefined) logger.info(`${consumer} continues with the events of ${name}.`);
        else if (halt.reason === "unknown_type") logger.warn(describeHalt(halt, consumer, name));
        else {
          logger.error(describeHalt(halt, consumer, name));
          // Replaces the confirmed position, so that the producer prunes none of its new events.
          readPage(broker, producer, 0, true).catch(onFault);
        }
      },
    });
    return feed;
  }

  async function redrive(letterId: string): Promise<{ redriven: boolean }> {
    const event = await redriveDeadLetter(transaction, (name) => handlers.get(name), letterId);
    if (event === undefined) return { redriven: false };
    metrics?.redriven(event.producer);
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
    const contract = producers.find(({ name }) => name === producer);
    if (tables === undefined || contract === undefined) {
      const available = Object.keys(readModels).join(", ") || "no producer";
      throw invalidProducer(`${consumer} has read models of ${available}.`);
    }
    const difference = await reconcileWith(ctx, producer);
    const page = await readPage(ctx.broker, contract, 0, true);
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
    const contract = producers.find(({ name }) => name === producer);
    const eventHandlers = handlers.get(producer);
    if (contract === undefined || eventHandlers === undefined) {
      const names = producers.map(({ name }) => name).join(", ");
      throw invalidProducer(`${consumer} consumes the events of ${names}.`);
    }
    const parts = {
      transaction,
      readLog: (position: number) => readPage(broker, contract, position, false),
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
      {
        producers: producers.map(({ name }) => name),
        haltReasonOf: (producer) => metrics?.haltReasonOf(producer),
      },
    ),
    events: Object.fromEntries(types.map((type) => [type, receive])),
    created(this: Service) {
      logger = this.logger;
      deadLetterLog = new DeadLetterLog(logger, consumer);
      const instruments = instrumentsOf(this.broker);
      const names = producers.map(({ name }) => name);
      metrics = new FeedMetrics(instruments, consumer, names);
      deadLetterMetrics(instruments, query, consumer, names);
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
        const feed = createFeed(this.broker, producer, eventHandlers);
        handlers.set(producer.name, eventHandlers);
        feeds.set(producer.name, feed);
        feed.start();
      }
    },
    async stopped() {
      isStopped = true;
      await Promise.all([...feeds.values()].map((feed) => feed.stop()));
      deadLetterLog?.end();
    },
  };
}

function invalidProducer(message: string) {
  return invalidField("producer", message);
}
