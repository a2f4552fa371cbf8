import type { Context, ServiceBroker, ServiceSchema } from "moleculer";
import type { Contract, Effect, EventEnvelope } from "../core/contract.ts";
import { badUserInput } from "../core/errors.ts";
import { id, pageRules, type Page } from "../core/validation.ts";
import { keepDeadLetter, listDeadLetters, takeDeadLetter } from "./dead-letters.ts";
import { EventFeed } from "./event-feed.ts";
import type { LogPage } from "./event-log.ts";

type Transaction = <Result>(useCase: (work: Effect) => Promise<Result>) => Promise<Result>;
export type Handlers = Record<string, (event: EventEnvelope, work: Effect) => Promise<void>>;

/**
 * Reads the logs of other services: each event is applied in its producer's order and exactly
 * once, since its effect and the cursor's step are one transaction. A handler that keeps failing,
 * and an event whose type or version its contract does not know, leave a dead letter, and the
 * rest goes on.
 *
 * @param transaction the consuming service's own
 * @param producers contracts of the services it reads from
 */
export function eventConsumer(
  transaction: Transaction,
  producers: readonly Contract[],
  handlers: Handlers,
): Partial<ServiceSchema> {
  const feeds = new Map<string, EventFeed>();

  function feedOf(broker: ServiceBroker, producer: Contract): EventFeed {
    const { name } = producer;
    return new EventFeed({
      async readLog(position) {
        const action = `${name}.eventsAfter`;
        // Asked first: a call would log a warning at each try until the producer is there.
        if (!broker.registry.actions.isAvailable(action)) return undefined;
        return broker.call<LogPage, object>(action, { position });
      },
      apply: (events, limit) =>
        transaction(async (work) => {
          let cursor = await lockCursor(work, name);
          const before = cursor;
          while (cursor - before < limit) {
            const event = events.get(cursor + 1);
            if (event === undefined) break;
            const unknown = whatIsUnknown(producer, event);
            if (unknown !== undefined) await keepDeadLetter(work, event, unknown);
            else await handlers[event.type]?.(event, work);
            cursor += 1;
          }
          if (cursor > before) await moveCursor(work, name, cursor);
          return cursor;
        }),
      bury: (event, reason) =>
        transaction(async (work) => {
          if ((await lockCursor(work, name)) !== event.position - 1) return;
          await keepDeadLetter(work, event, reason);
          await moveCursor(work, name, event.position);
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
      const producer = producers.find(({ name }) => name === event.producer);
      const unknown = whatIsUnknown(producer, event);
      if (unknown !== undefined)
        throw badUserInput([{ field: "id", message: `Still ${unknown}.` }]);
      await handlers[event.type]?.(event, work);
      return { redriven: true };
    });
  }

  // All of a producer's events, also those without an effect: their positions leave no gap.
  const types = producers.flatMap(({ events }) => Object.keys(events));
  const receive = {
    handler({ params: event }: Context<EventEnvelope>) {
      if (Number.isInteger(event.position)) feeds.get(event.producer)?.receive(event);
    },
  };
  const actions = {
    /** Events of others whose effect failed for good, oldest first. */
    deadLetters: {
      params: { $$strict: true, ...pageRules },
      access: "admin",
      handler: ({ params: { limit = 100, offset = 0 } }: Context<Page>) =>
        transaction((work) => listDeadLetters(work, { limit, offset })),
    },
    /** Applies one dead letter again. Says whether there was one. */
    redrive: {
      params: { $$strict: true, id: id() },
      access: "admin",
      handler: ({ params }: Context<{ id: string }>) => redrive(params.id),
    },
  };
  return {
    actions,
    events: Object.fromEntries(types.map((type) => [type, receive])),
    async started(this: { broker: ServiceBroker }) {
      for (const producer of producers) {
        const feed = feedOf(this.broker, producer);
        feeds.set(producer.name, feed);
        feed.start();
      }
    },
    async stopped() {
      await Promise.all([...feeds.values()].map((feed) => feed.stop()));
    },
  };
}

function whatIsUnknown(
  producer: Contract | undefined,
  { type, version }: EventEnvelope,
): string | undefined {
  const events = producer?.events ?? {};
  const known = Object.hasOwn(events, type) ? events[type] : undefined;
  if (known === undefined) return `the type ${type} is not known`;
  return known.version === version ? undefined : `version ${version} of ${type} is not known`;
}

/** The cursor, which nobody else moves until the transaction ends. */
async function lockCursor({ query }: Pick<Effect, "query">, producer: string): Promise<number> {
  const lock = "SELECT position FROM event_cursors WHERE producer = $1 FOR UPDATE";
  const [cursor] = await query<{ position: string }>(lock, [producer]);
  if (cursor !== undefined) return Number(cursor.position);
  // The first time: from the beginning of the log.
  await query("INSERT INTO event_cursors (producer) VALUES ($1) ON CONFLICT DO NOTHING", [
    producer,
  ]);
  return lockCursor({ query }, producer);
}

async function moveCursor(
  { query }: Pick<Effect, "query">,
  producer: string,
  position: number,
): Promise<void> {
  await query("UPDATE event_cursors SET position = $2, moved_at = now() WHERE producer = $1", [
    producer,
    position,
  ]);
}
