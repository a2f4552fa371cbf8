import { randomUUID } from "node:crypto";
import type { Context, ServiceSchema } from "moleculer";
import { gatewayName } from "../../../core/access.ts";
import { ClientError, tooManyRequests } from "../../../core/errors.ts";
import { EventQueue } from "./event-queue.ts";

/** Buffered payloads of a slow subscriber. Beyond, the subscription ends with an error. */
const maxBufferedEvents = 1_000;

/** Delivers the payloads that discovered services publish to their subscriptions. */
export class TagSubscriptions {
  readonly #subscribers = new Map<string, Set<EventQueue<unknown>>>();

  publish(tag: string, payload: unknown): void {
    for (const queue of this.#subscribers.get(tag) ?? []) queue.offer(payload);
  }

  /** Returns the number of subscriptions to a tag. */
  count(tag: string): number {
    return this.#subscribers.get(tag)?.size ?? 0;
  }

  /**
   * Iterates the future payloads of some tags, until `return` is called.
   *
   * @param revocation called before each payload; an error that it returns ends the iteration
   */
  events(
    tags: readonly string[],
    revocation: () => Error | undefined,
  ): AsyncIterableIterator<unknown> {
    const queue = new EventQueue<unknown>({
      maxBuffered: maxBufferedEvents,
      overflow: tooSlow,
      revocation,
      onEnd: () => {
        for (const tag of tags) this.#subscribers.get(tag)?.delete(queue);
      },
    });
    for (const tag of tags) {
      const subscribers = this.#subscribers.get(tag) ?? new Set();
      this.#subscribers.set(tag, subscribers.add(queue));
    }
    return queue;
  }
}

function tooSlow(): ClientError {
  const message = "The client reads events too slowly. Subscribe again.";
  return tooManyRequests(message, 1);
}

/**
 * Handles the events that discovered services publish for subscriptions. Each gateway has its own group,
 * so that all receive them.
 */
export function publishedEvents(
  subscriptions: TagSubscriptions,
): NonNullable<ServiceSchema["events"]>[string] {
  return {
    group: `${gatewayName}-${randomUUID()}`,
    handler({ params }: Context<{ tag?: unknown; payload?: unknown }>) {
      subscriptions.publish(String(params.tag), params.payload);
    },
  };
}
