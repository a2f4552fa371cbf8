import type { Context, ServiceSchema } from "moleculer";
import { retryPolicy } from "../core/contract.ts";
import type { SliceQuery } from "../core/events/log-slice.ts";
import { int, optional, text } from "../core/validation.ts";
import type { EventCursor } from "./consumer/event-cursor.ts";
import { forgetReader } from "./forget-reader.ts";
import { outboxOf, progressOf } from "./log-progress.ts";
import { moveReader, readHead, readLog, readSlice } from "./event-log-reading.ts";
import type { Query } from "../database/statements/prepared-statements.ts";

/** Defines the actions with which consumers and operators read a service's event log. */
export function logActions(query: Query, producer: string): NonNullable<ServiceSchema["actions"]> {
  return {
    /**
     * Returns the events after a position, as many as fit in one answer, and the head of the log.
     * `consumer`: the reading service, which has applied all events up to the position.
     */
    eventsAfter: {
      params: {
        $$strict: true,
        position: int(0, Number.MAX_SAFE_INTEGER),
        consumer: optional(text(1, 100)),
      },
      access: "nobody",
      retryPolicy,
      async handler({ params }: Context<{ position: number; consumer?: string }>) {
        const { position, consumer } = params;
        const page = await readLog(query, producer, position);
        // A new consumer sends a position after the end to read only the head.
        if (consumer !== undefined && position <= page.head) {
          await moveReader(query, consumer, position);
        }
        return page;
      },
    },
    /**
     * Returns the events of some types after a position, for the subscriptions of a gateway. The
     * gateway checks which events its client may see. No GraphQL field calls this action.
     */
    eventSlice: {
      params: {
        $$strict: true,
        position: int(0, Number.MAX_SAFE_INTEGER),
        types: { type: "array", min: 1, max: 100, items: text(1, 100) },
        match: optional({ type: "record", key: text(1, 100), value: text(1, 100) }),
      },
      access: "everyone",
      gateway: true,
      retryPolicy,
      handler: ({ params }: Context<SliceQuery>) => readSlice(query, params),
    },
    /** Returns the head of the log and the key of its cursors, for the gateways. */
    eventHead: {
      params: { $$strict: true },
      access: "everyone",
      gateway: true,
      retryPolicy,
      handler: () => readHead(query),
    },
    /** Returns the length of the log and the progress of its consumers. */
    outbox: {
      params: { $$strict: true },
      access: "admin",
      handler: (ctx: Context) =>
        outboxOf(query, async (consumer) => {
          // Of an unavailable consumer, the position of its last read counts.
          const cursors = await ctx.call<EventCursor[]>(`${consumer}.cursors`).catch(() => []);
          return cursors.find((cursor) => cursor.producer === producer);
        }),
    },
    /** Returns the head of the log and the lag of its consumers, for the operators of a gateway. */
    progress: {
      params: { $$strict: true },
      access: "operations",
      gateway: true,
      retryPolicy,
      handler: ({ broker }: Context) => progressOf(broker, query, producer),
    },
    /** Forgets a removed consumer. Throws BAD_USER_INPUT for one that runs. */
    forgetReader: {
      params: { $$strict: true, consumer: text(1, 100) },
      access: "admin",
      handler: async ({ broker, params }: Context<{ consumer: string }>) => ({
        forgotten: await forgetReader(broker, query, producer, params.consumer),
      }),
    },
  } as unknown as NonNullable<ServiceSchema["actions"]>;
}
