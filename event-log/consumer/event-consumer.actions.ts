import type { Context, ServiceSchema } from "moleculer";
import { id, int, oneOf, optional, pageRules, text, type Page } from "../../core/validation.ts";
import { actorOf, senderOf, userIdOf, type Meta, type Sender } from "../../core/access.ts";
import { retryPolicy } from "../../core/contract.ts";
import type { FeedState, HaltReason } from "../../core/events/event-progress.ts";
import { connectionRules, type PageArguments } from "../../core/relay-connection.ts";
import type { Query } from "../../database/statements/prepared-statements.ts";
import { countDeadLetters, listDeadLetters } from "../dead-letters/dead-letters.ts";
import { pageOfDeadLetters } from "../dead-letters/page-dead-letters.ts";
import { redriveDeadLetters } from "../dead-letters/repair-dead-letters.ts";
import { consumedOf, cursorsOf, type RunTransaction } from "./event-cursor.ts";
import type { Reconciliation } from "../reconciliation/reconcile.ts";
import { continuations, type Continuation } from "../reconciliation/reconciliations.ts";

/** What the actions need of the feeds. */
export interface ConsumerOperations {
  producers: readonly string[];
  /** Why the feed of this node applies nothing; undefined for a feed that applies events. */
  haltReasonOf(producer: string): HaltReason | undefined;
  redrive(id: string): Promise<{ redriven: boolean }>;
  discard(id: string, sender: Sender): Promise<{ discarded: boolean }>;
  rebuild(ctx: Context<{ producer: string }>): Promise<{ events: number }>;
  reconcile(ctx: Context<ReconcileParams>): Promise<Reconciliation>;
}

/** A producer, and where its halted feed continues. */
export interface ReconcileParams {
  producer: string;
  continueFrom?: Continuation;
}

/** The number of events that one call of `consumed` can ask for. */
const maxPositions = 1_000;

/** Defines the actions with which operators inspect and repair a consumer. */
export function consumerActions(
  { transaction, query }: { transaction: RunTransaction; query: Query },
  consumer: ConsumerOperations,
): NonNullable<ServiceSchema["actions"]> {
  return {
    /** Returns a page of the dead letters, oldest first. */
    deadLetters: {
      params: { $$strict: true, ...pageRules },
      access: "admin",
      handler: ({ params: { limit = 100, offset = 0 } }: Context<Page>) =>
        transaction((work) => listDeadLetters(work, { limit, offset })),
    },
    /**
     * Applies a dead letter again. Returns whether the dead letter existed. Throws BAD_USER_INPUT or
     * the client errors of the handler.
     */
    redrive: {
      params: { $$strict: true, id: id() },
      access: "operations",
      gateway: true,
      async handler(ctx: Context<{ id: string }, Meta>) {
        const { id } = ctx.params;
        const result = await consumer.redrive(id);
        if (result.redriven) ctx.broker.logger.info(`${nameOf(ctx)} has redriven ${id}.`);
        return result;
      },
    },
    /**
     * Applies the dead letters again, oldest first, until the deadline of a call is near. Those that
     * still fail stay dead letters.
     */
    redriveDeadLetters: {
      params: { $$strict: true },
      access: "operations",
      gateway: true,
      async handler(ctx: Context<object, Meta>) {
        const result = await redriveDeadLetters(query, (id) => consumer.redrive(id));
        ctx.broker.logger.info(`${nameOf(ctx)} has redriven ${result.redriven} dead letters.`);
        return result;
      },
    },
    /** Returns a page of the dead letters for the operators of a gateway, oldest first. */
    deadLetterPage: {
      params: { $$strict: true, ...connectionRules },
      access: "operations",
      gateway: true,
      retryPolicy,
      handler: ({ params }: Context<PageArguments>) => pageOfDeadLetters(query, params),
    },
    /** Returns the state of the feeds, for the operators of a gateway. */
    feeds: {
      params: { $$strict: true },
      access: "operations",
      gateway: true,
      retryPolicy,
      async handler(): Promise<FeedState[]> {
        const [cursors, counts] = await Promise.all([
          cursorsOf({ query }),
          countDeadLetters({ query }),
        ]);
        return consumer.producers.map((producer) => ({
          producer,
          position: cursors.find((cursor) => cursor.producer === producer)?.position ?? 0,
          halted: consumer.haltReasonOf(producer) ?? null,
          deadLetters: counts.get(producer) ?? 0,
        }));
      },
    },
    /** Deletes a dead letter that will never be applied. Returns whether the dead letter existed. */
    discard: {
      params: { $$strict: true, id: id() },
      access: "admin",
      handler: (ctx: Context<{ id: string }, Meta>) =>
        consumer.discard(ctx.params.id, senderOf(ctx)),
    },
    /**
     * Rebuilds the read models of a producer's data from its log. Returns the number of events to
     * apply; the read models are incomplete until all are applied. Throws BAD_USER_INPUT.
     */
    rebuild: {
      params: { $$strict: true, producer: text(1, 100) },
      access: "admin",
      handler: (ctx: Context<{ producer: string }>) => consumer.rebuild(ctx),
    },
    /**
     * Compares the applied events with the log of a producer. With `continueFrom`, moves the cursor
     * of a halted feed, and records it. Throws BAD_USER_INPUT.
     */
    reconcile: {
      params: {
        $$strict: true,
        producer: text(1, 100),
        continueFrom: optional(oneOf(continuations)),
      },
      access: "admin",
      handler: (ctx: Context<ReconcileParams>) => consumer.reconcile(ctx),
    },
    /** Returns how far this service has read the log of each producer. */
    cursors: {
      params: { $$strict: true },
      access: "admin",
      handler: () => transaction((work) => cursorsOf(work)),
    },
    /** Returns when this service applied the events at these positions, and on which node. */
    consumed: {
      params: {
        $$strict: true,
        producer: text(1, 100),
        positions: { type: "array", items: int(1, Number.MAX_SAFE_INTEGER), max: maxPositions },
      },
      access: "nobody",
      handler: ({ params }: Context<{ producer: string; positions: number[] }>) =>
        transaction((work) => consumedOf(work, params.producer, params.positions)),
    },
  } as unknown as NonNullable<ServiceSchema["actions"]>;
}

/** Names the actor of a call for the log: a consumer has no audit trail of its own. */
function nameOf(ctx: Context<unknown, Meta>): string {
  const userId = userIdOf(actorOf(ctx));
  return userId === null ? "The operator" : `The admin ${userId}`;
}
