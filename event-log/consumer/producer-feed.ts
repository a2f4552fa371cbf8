import type { ServiceBroker } from "moleculer";
import type { EventEnvelope, StartFrom } from "../../core/contract.ts";
import { callIfAvailable } from "../../core/tasks/call-if-available.ts";
import type { Query } from "../../database/statements/prepared-statements.ts";
import type { LogPage } from "../event-log-reading.ts";
import { BatchApplier } from "./batch-applier.ts";
import {
  hasCursor,
  makeCursor,
  setCursorEvent,
  skipPruned,
  type RunTransaction,
} from "./event-cursor.ts";
import { EventFeed } from "./event-feed.ts";
import type { EventHandlers } from "./event-handlers.ts";
import { describeHalt } from "./feed-halt.ts";
import type { FeedMetrics } from "./feed-metrics.ts";

/**
 * Reads a page of a producer's log after a position. Returns undefined if the producer is unavailable.
 *
 * @param appliedBy the consumer that has applied all events up to the position; the producer may then
 *   prune them
 */
export function readPage(
  broker: ServiceBroker,
  producer: string,
  position: number,
  appliedBy?: string,
): Promise<LogPage | undefined> {
  const consumer = appliedBy === undefined ? {} : { consumer: appliedBy };
  return callIfAvailable<LogPage>(broker, `${producer}.eventsAfter`, { position, ...consumer });
}

/** The settings and dependencies of a feed. */
export interface ProducerFeedParts {
  broker: ServiceBroker;
  logger: ServiceBroker["logger"];
  consumer: string;
  producer: string;
  startFrom: StartFrom;
  transaction: RunTransaction;
  /** Runs a statement outside a transaction. */
  query: Query;
  handlers: EventHandlers;
  metrics: FeedMetrics;
  onDeadLetter: (event: EventEnvelope, reason: string) => void;
}

/** Returns the feed of a consumer that reads the log of a producer by calls of its actions. */
export function producerFeed(parts: ProducerFeedParts): EventFeed {
  const { broker, logger, consumer, producer, startFrom, transaction, metrics } = parts;
  const applier = new BatchApplier({ ...parts, node: broker.nodeID });
  const onFault = (fault: unknown) => {
    metrics.failed(producer);
    logger.error(`An event of ${producer} could not be applied.`, fault);
  };
  const feed: EventFeed = new EventFeed({
    async begin() {
      if (await transaction((work) => hasCursor(work, producer))) return true;
      const page =
        startFrom === "now"
          ? await readPage(broker, producer, Number.MAX_SAFE_INTEGER, consumer)
          : { head: 0 };
      if (page === undefined) return false;
      await transaction((work) => makeCursor(work, producer, page.head));
      return true;
    },
    async readLog({ position, eventId }, isAhead) {
      // Of a log that was set back, the events up to the cursor were not applied.
      const areApplied = !isAhead && feed.halt?.reason !== "set_back";
      const page = await readPage(broker, producer, position, areApplied ? consumer : undefined);
      if (page === undefined || isAhead) return page;
      if (page.prunedTo > position) {
        logger.warn(`${consumer} skips the pruned events of ${producer}.`);
        await transaction((work) => skipPruned(work, producer, page.prunedTo));
      }
      // A producer of an older version sends no `previousId`.
      const previousId = page.previousId as string | null | undefined;
      if (eventId === null && typeof previousId === "string") {
        await transaction((work) =>
          setCursorEvent(work, producer, { position, eventId: previousId }),
        );
      }
      return page;
    },
    async apply(events, limit) {
      const applied = await applier.apply(events, limit);
      metrics.setHalted(producer, feed.halt?.reason);
      metrics.applied(producer, applied.batch);
      return applied;
    },
    deadLetter: (event, reason) => applier.deadLetter(event, reason),
    onFault,
    onHalt: (halt) => {
      metrics.setHalted(producer, halt?.reason);
      if (halt === undefined) logger.info(`${consumer} continues with the events of ${producer}.`);
      else if (halt.reason === "unknown_type") logger.warn(describeHalt(halt, consumer, producer));
      else {
        logger.error(describeHalt(halt, consumer, producer));
        // Replaces the confirmed position, so that the producer prunes none of its new events.
        readPage(broker, producer, 0, consumer).catch(onFault);
      }
    },
  });
  return feed;
}
