import type { ServiceBroker } from "moleculer";
import { event, type Contract, type EventEnvelope } from "../../../core/contract.ts";
import type { Cursor } from "../../../event-log/consumer/event-cursor.ts";
import { EventFeed } from "../../../event-log/consumer/event-feed.ts";
import { EventHandlers } from "../../../event-log/consumer/event-handlers.ts";
import type { FeedHalt } from "../../../event-log/consumer/feed-halt.ts";

const broker = { validator: { compile: () => () => true } } as unknown as ServiceBroker;
const maxPageEvents = 500;

/** An event log and the cursor of one consumer, in memory. */
export class FakeConsumer {
  events: EventEnvelope[] = [];
  cursor: Cursor = { position: 0, eventId: null };
  /** The ids of the applied events, in the order of their application. */
  applied: string[] = [];
  deadLetters: string[] = [];
  reads = 0;
  /** Reads of a page while the events before it are applied. */
  readsAhead = 0;
  /** The handlers need no events. */
  isIdle = false;
  /** The times of the batches. */
  batchesAtMs: number[] = [];
  /** A producer of an older version does not name the event before another one. */
  isChained = true;
  #appended = 0;

  /** Appends events of these types, `a` by default, and returns them as the producer emits them. */
  append(...types: string[]): EventEnvelope[] {
    return types.map((type) => {
      const previousId = this.events.at(-1)?.id;
      const appended: EventEnvelope = {
        id: `${type} ${(this.#appended += 1)}`,
        type,
        version: 1,
        producer: "letters",
        position: this.events.length + 1,
        occurredAt: "2030-01-01T00:00:00.000Z",
        data: {},
        ...(this.isChained && previousId !== undefined && { previousId }),
      };
      this.events.push(appended);
      return appended;
    });
  }

  /** Loses the events behind a position, like a database that is restored from a backup. */
  setBack(position: number): void {
    this.events = this.events.slice(0, position);
  }

  /** The ids of the log. */
  get ids(): string[] {
    return this.events.map(({ id }) => id);
  }

  /** Starts a feed of a node of the consumer that knows these types. */
  startFeed(...types: string[]): { feed: EventFeed; halts: (FeedHalt["reason"] | undefined)[] } {
    const producer: Contract = {
      name: "letters",
      actions: {},
      events: Object.fromEntries(types.map((type) => [type, event(1, {})])),
    };
    const handlers = new EventHandlers(
      broker,
      producer,
      { a: async () => undefined, c: async () => undefined },
      () => undefined,
    );
    const halts: (FeedHalt["reason"] | undefined)[] = [];
    const feed = new EventFeed({
      begin: async () => true,
      readLog: async ({ position }, isAhead) => {
        this.reads += 1;
        if (isAhead) this.readsAhead += 1;
        const events = this.events.slice(position, position + maxPageEvents);
        const previousId = this.isChained ? (this.events[position - 1]?.id ?? null) : null;
        return { events, head: this.events.length, prunedTo: 0, previousId };
      },
      apply: async (events, limit) => {
        const { batch, ...next } = handlers.nextBatch(this.cursor, events, limit);
        this.#move(batch);
        this.applied.push(...batch.map(({ id }) => id));
        if (batch.length > 0) this.batchesAtMs.push(performance.now());
        return { ...this.cursor, ...next, isIdle: this.isIdle };
      },
      deadLetter: async (letter) => {
        this.deadLetters.push(letter.id);
        this.#move([letter]);
      },
      onFault: (fault) => {
        throw fault as Error;
      },
      onHalt: (halt) => halts.push(halt?.reason),
    });
    feed.start();
    return { feed, halts };
  }

  #move(batch: EventEnvelope[]): void {
    const last = batch.at(-1);
    if (last !== undefined) this.cursor = { position: last.position, eventId: last.id };
  }
}
