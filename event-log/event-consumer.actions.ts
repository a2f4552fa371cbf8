import type { Context, ServiceSchema } from "moleculer";
import { senderOf, type Meta, type Sender } from "../core/access.ts";
import { id, int, oneOf, optional, pageRules, text, type Page } from "../core/validation.ts";
import { listDeadLetters } from "./dead-letters.ts";
import { consumedOf, cursorsOf, type RunTransaction } from "./event-cursor.ts";
import type { Reconciliation } from "./reconcile.ts";
import { continuations, type Continuation } from "./reconciliations.ts";

interface ConsumerOperations {
  redrive: (id: string) => Promise<{ redriven: boolean }>;
  discard: (id: string, sender: Sender) => Promise<{ discarded: boolean }>;
  rebuild: (ctx: Context<{ producer: string }>) => Promise<{ events: number }>;
  reconcile: (ctx: Context<ReconcileParams>) => Promise<Reconciliation>;
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
  transaction: RunTransaction,
  { redrive, discard, rebuild, reconcile }: ConsumerOperations,
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
      access: "admin",
      handler: ({ params }: Context<{ id: string }>) => redrive(params.id),
    },
    /** Deletes a dead letter that will never be applied. Returns whether the dead letter existed. */
    discard: {
      params: { $$strict: true, id: id() },
      access: "admin",
      handler: (ctx: Context<{ id: string }, Meta>) => discard(ctx.params.id, senderOf(ctx)),
    },
    /**
     * Rebuilds the read models of a producer's data from its log. Returns the number of events to
     * apply; the read models are incomplete until all are applied. Throws BAD_USER_INPUT.
     */
    rebuild: {
      params: { $$strict: true, producer: text(1, 100) },
      access: "admin",
      handler: (ctx: Context<{ producer: string }>) => rebuild(ctx),
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
      handler: (ctx: Context<ReconcileParams>) => reconcile(ctx),
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
