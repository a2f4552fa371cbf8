import { SpanKind } from "@opentelemetry/api";
import type { Effect, EventEnvelope } from "../../core/contract.ts";
import { inEventsSpan } from "../../core/tracing/spans.ts";
import type { Query } from "../../database/statements/prepared-statements.ts";
import { storeDeadLetter } from "../dead-letters/dead-letters.ts";
import { lockCursor, moveCursor, type Cursor, type RunTransaction } from "./event-cursor.ts";
import type { EventHandlers } from "./event-handlers.ts";
import { withoutPermanentFailures } from "../dead-letters/permanent-failure.ts";

interface BatchParts {
  consumer: string;
  producer: string;
  node: string;
  transaction: RunTransaction;
  /** Runs a statement outside a transaction. */
  query: Query;
  handlers: EventHandlers;
  onDeadLetter: (event: EventEnvelope, reason: string) => void;
}

/** The cursor after a batch. */
export interface AppliedBatch extends Cursor {
  /** The events that this node has applied; none if the buffer has no event after the cursor. */
  batch: readonly EventEnvelope[];
  /** The event after the cursor, if this node does not know its type or version. */
  unknown?: EventEnvelope | undefined;
  /** The buffer has the next event, which belongs to another batch. */
  isCut?: boolean;
  /** The handler has no use for events at this moment. */
  isIdle?: boolean;
}

/**
 * Applies batches of the events of one producer. One transaction contains the effects of a batch and
 * the move of the cursor, which comes first: its row lock serializes the replicas of a consumer, and a
 * replica that expects the cursor at another place applies nothing.
 */
export class BatchApplier {
  readonly #parts: BatchParts;
  /** The cursor as this node has seen it last. */
  #cursor: Cursor | undefined;

  constructor(parts: BatchParts) {
    this.#parts = parts;
  }

  /**
   * Applies the events that follow the cursor without a gap, at most `limit`. Ignores events before
   * the cursor.
   */
  async apply(events: ReadonlyMap<number, EventEnvelope>, limit: number): Promise<AppliedBatch> {
    const { handlers } = this.#parts;
    for (;;) {
      const { cursor, ...next } = await this.#nextBatch(events, limit);
      const last = next.batch.at(-1);
      if (last === undefined) return { ...cursor, ...next };
      const areNeeded = await handlers.areNeeded(next.batch);
      const hasMoved = await this.#applyBatch(cursor, next.batch, areNeeded);
      this.#cursor = hasMoved ? { position: last.position, eventId: last.id } : undefined;
      if (this.#cursor !== undefined) {
        const isIdle = !areNeeded && handlers.handles(next.batch);
        return { ...this.#cursor, ...next, isIdle };
      }
    }
  }

  /** Stores the event after the cursor as a dead letter, and moves the cursor past it. */
  async deadLetter(event: EventEnvelope, reason: string): Promise<void> {
    const { transaction, producer, handlers, node, onDeadLetter } = this.#parts;
    await transaction(async (work) => {
      const cursor = await lockCursor(work, producer);
      const { batch } = handlers.nextBatch(cursor, new Map([[event.position, event]]), 1);
      // Otherwise another replica has applied it, or the fault is not the event's.
      if (batch.length === 0) return;
      await storeDeadLetter(work, event, reason, onDeadLetter);
      await moveCursor(work, producer, cursor, batch, node);
    });
  }

  async #nextBatch(events: ReadonlyMap<number, EventEnvelope>, limit: number) {
    const { query, producer, handlers } = this.#parts;
    if (this.#cursor !== undefined) {
      const next = handlers.nextBatch(this.#cursor, events, limit);
      if (next.batch.length > 0) return { cursor: this.#cursor, ...next };
    }
    // The lock makes the statement wait for a batch that another replica is applying.
    this.#cursor = await lockCursor({ query }, producer);
    return { cursor: this.#cursor, ...handlers.nextBatch(this.#cursor, events, limit) };
  }

  /** Returns false if the cursor is at another place. */
  #applyBatch(from: Cursor, batch: EventEnvelope[], areNeeded: boolean): Promise<boolean> {
    const { query, transaction, producer, handlers, node } = this.#parts;
    const move = (work: Pick<Effect, "query">) => moveCursor(work, producer, from, batch, node);
    if (!areNeeded) return this.#inSpan(batch, () => move({ query }));
    return withoutPermanentFailures((failed) =>
      transaction((work) =>
        this.#inSpan(batch, async () => {
          const hasMoved = await move(work);
          if (hasMoved) await handlers.apply(batch, work, failed);
          return hasMoved;
        }),
      ),
    );
  }

  /** Runs work in a span by OpenTelemetry's conventions for messaging. */
  #inSpan(batch: readonly EventEnvelope[], work: () => Promise<boolean>): Promise<boolean> {
    const { consumer, producer } = this.#parts;
    const attributes = {
      "messaging.system": "moleculer",
      "messaging.operation.type": "process",
      "messaging.destination.name": producer,
      "messaging.consumer.group.name": consumer,
      "messaging.batch.message_count": batch.length,
    };
    return inEventsSpan(
      `process ${producer}`,
      () => ({ kind: SpanKind.CONSUMER, attributes }),
      () => batch.map(({ traceparent }) => traceparent),
      work,
    );
  }
}
