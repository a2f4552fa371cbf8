import type { Context, ServiceBroker, ServiceSchema } from "moleculer";
import type { Contract, EventEnvelope, StartFrom } from "../core/contract.ts";
import { badUserInput } from "../core/errors.ts";
import { keepDeadLetter, takeDeadLetter } from "../event-log/dead-letters.ts";
import { consumerActions, type RunTransaction } from "../event-log/event-consumer.actions.ts";
import {
  hasCursor,
  lockCursor,
  makeCursor,
  moveCursor,
  rewindCursor,
  skipPruned,
} from "../event-log/event-cursor.ts";
import { EventFeed } from "../event-log/event-feed.ts";
import { EventHandlers, type Handlers } from "../event-log/event-handlers.ts";
import type { LogPage } from "../event-log/event-log-reading.ts";

/** What a service reads of others. */
export interface ConsumerOptions {
  /** The reading service's name. */
  consumer: string;
  /** Contracts of the services it reads from. */
  producers: readonly Contract[];
  handlers: Handlers;
  /** Where its first reading of a log begins. */
  startFrom: StartFrom;
  /** Tables that hold nothing but what a producer's events have brought, by the producer. */
  readModels: Record<string, readonly string[]>;
}

/**
 * Reads the logs of other services: each event is applied in its producer's order and exactly
 * once, since its effect and the cursor's step are one transaction. A handler that keeps failing,
 * and an event that its contract does not describe, leave a dead letter, and the rest goes on.
 *
 * @param transaction the consuming service's own
 */
export function eventConsumer(
  transaction: RunTransaction,
  consumption: ConsumerOptions,
): Partial<ServiceSchema> {
  const { consumer, producers, startFrom, readModels } = consumption;
  const feeds = new Map<string, EventFeed>();
  const handlers = new Map<string, EventHandlers>();

  function readerOf(broker: ServiceBroker, { name }: Contract) {
    const action = `${name}.eventsAfter`;
    return async (position: number): Promise<LogPage | undefined> => {
      // Asked first: a call would log a warning at each try until the producer is there.
      if (!broker.registry.actions.isAvailable(action)) return undefined;
      return broker.call<LogPage, object>(action, { position, consumer });
    };
  }

  function feedOf(broker: ServiceBroker, producer: Contract, own: EventHandlers): EventFeed {
    const { name } = producer;
    const node = broker.nodeID;
    const readLog = readerOf(broker, producer);
    return new EventFeed({
      async begin() {
        if (await transaction((work) => hasCursor(work, name))) return true;
        const page = startFrom === "now" ? await readLog(Number.MAX_SAFE_INTEGER) : { head: 0 };
        if (page === undefined) return false;
        await transaction((work) => makeCursor(work, name, page.head));
        return true;
      },
      async readLog(position) {
        const page = await readLog(position);
        if (page !== undefined && page.prunedTo > position) {
          broker.logger.warn(`${consumer} begins to read ${name} behind what is pruned`);
          await transaction((work) => skipPruned(work, name, page.prunedTo));
        }
        return page;
      },
      apply: (events, limit) =>
        transaction(async (work) => {
          const from = await lockCursor(work, name);
          const run = own.runBehind(from, events, limit);
          if (run.length === 0) return from;
          await own.apply(run, work);
          const to = from + run.length;
          await moveCursor(work, name, { from, to, node });
          return to;
        }),
      deadLetter: (event, reason) =>
        transaction(async (work) => {
          const from = await lockCursor(work, name);
          if (from !== event.position - 1) return;
          await keepDeadLetter(work, event, reason);
          await moveCursor(work, name, { from, to: event.position, node });
        }),
      onFault: (fault) => {
        broker.logger.error(`an event of ${name} could not be applied`, fault);
      },
    });
  }

  /** Applies a dead letter again; when it fails again, it stays what it is. */
  async function redrive(letterId: string): Promise<{ redriven: boolean }> {
    return transaction(async (work) => {
      const event = await takeDeadLetter(work, letterId);
      if (event === undefined) return { redriven: false };
      const own = handlers.get(event.producer);
      const fault = own ? own.faultOf(event) : `the producer ${event.producer} is not known`;
      if (fault !== undefined) throw badUserInput([{ field: "id", message: `Still: ${fault}.` }]);
      await own?.apply([event], work);
      return { redriven: true };
    });
  }

  /** Rebuilds the read models of a producer's data: empties their tables and reads its log from the first event. */
  async function rebuild(broker: ServiceBroker, producer: string): Promise<{ events: number }> {
    const refused = (message: string) => badUserInput([{ field: "producer", message }]);
    const tables = readModels[producer];
    const contract = producers.find(({ name }) => name === producer);
    if (tables === undefined || contract === undefined) {
      const known = Object.keys(readModels).join(", ") || "nobody";
      throw refused(`${consumer} has read models of ${known}.`);
    }
    const page = await readerOf(broker, contract)(0);
    if (page === undefined) throw refused(`${producer} is not there, whose log would be read.`);
    if (page.prunedTo > 0) throw refused(`The log of ${producer} is pruned, and begins too late.`);
    await transaction(async (work) => {
      await rewindCursor(work, producer);
      // A table's name cannot be bound; these stand in the consumer's own code.
      // eslint-disable-next-line no-restricted-syntax
      for (const table of tables) await work.query(`DELETE FROM ${table}`, []);
    });
    feeds.get(producer)?.readNow();
    return { events: page.head };
  }

  // All of a producer's events, also those without an effect: their positions leave no gap.
  const types = producers.flatMap(({ events }) => Object.keys(events));
  const receive = {
    handler({ params: event }: Context<EventEnvelope>) {
      if (Number.isInteger(event.position)) feeds.get(event.producer)?.receive(event);
    },
  };
  let isStopped = false;
  return {
    actions: consumerActions(transaction, { redrive, rebuild }),
    events: Object.fromEntries(types.map((type) => [type, receive])),
    async started(this: { broker: ServiceBroker }) {
      // It may be stopped while it is still starting.
      if (isStopped) return;
      for (const producer of producers) {
        const own = new EventHandlers(this.broker, producer, consumption.handlers);
        const feed = feedOf(this.broker, producer, own);
        handlers.set(producer.name, own);
        feeds.set(producer.name, feed);
        feed.start();
      }
    },
    async stopped() {
      isStopped = true;
      await Promise.all([...feeds.values()].map((feed) => feed.stop()));
    },
  };
}
