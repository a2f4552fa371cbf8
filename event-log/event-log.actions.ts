import type { Context, ServiceSchema } from "moleculer";
import { retryPolicy } from "../core/contract.ts";
import { int, optional, text } from "../core/validation.ts";
import type { EventCursor } from "./event-cursor.ts";
import { noteReader, outboxOf, readLog } from "./event-log-reading.ts";
import type { Query } from "../database/prepared-statements.ts";

/** What others see of a service's event log. */
export function logActions(query: Query, producer: string): NonNullable<ServiceSchema["actions"]> {
  return {
    /**
     * The events behind a position, as many as one answer may carry, and where the log ends.
     * `consumer`: who reads, and has applied everything up to that position.
     */
    eventsAfter: {
      params: {
        $$strict: true,
        position: int(0, Number.MAX_SAFE_INTEGER),
        consumer: optional(text(1, 100)),
      },
      access: "nobody",
      retryPolicy: retryPolicy,
      async handler({ params }: Context<{ position: number; consumer?: string }>) {
        const { position, consumer } = params;
        const page = await readLog(query, producer, position);
        // Who asks for what is behind the end wants to know where that is.
        if (consumer !== undefined && position <= page.head) {
          await noteReader(query, consumer, position);
        }
        return page;
      },
    },
    /** How long the log is, and who has how much of it still to read. */
    outbox: {
      params: { $$strict: true },
      access: "admin",
      handler: (ctx: Context) =>
        outboxOf(query, async (consumer) => {
          // A reader that is away has told how far it was.
          const cursors = await ctx.call<EventCursor[]>(`${consumer}.cursors`).catch(() => []);
          return cursors.find((cursor) => cursor.producer === producer)?.position;
        }),
    },
    /** Waits no longer for a reader that is gone for good, before the log is pruned. */
    forgetReader: {
      params: { $$strict: true, consumer: text(1, 100) },
      access: "admin",
      async handler({ params }: Context<{ consumer: string }>) {
        const gone = await query(
          "DELETE FROM event_readers WHERE consumer = $1 RETURNING consumer",
          [params.consumer],
        );
        return { forgotten: gone.length > 0 };
      },
    },
  } as unknown as NonNullable<ServiceSchema["actions"]>;
}
