import { LogSubscription } from "../../../services/api/subscriptions/log/log-subscription.ts";
import { LogTail } from "../../../services/api/subscriptions/log/log-tail.ts";
import type { LogSlice, SliceEvent, SliceQuery } from "../../../core/events/log-slice.ts";
import { serviceUnavailable } from "../../../core/errors.ts";
import { newId } from "../../../core/ids/ids.ts";

export const cursorKey = "ab".repeat(32);

/** A producer's event log in memory, with any number of gateways that follow it. */
export class FakeLog {
  readonly events: SliceEvent[] = [];
  prunedTo = 0;
  isAway = false;
  /** The calls that failed because the log was away. */
  failed = 0;
  /** The calls of the gateways. */
  readonly slices: SliceQuery[] = [];
  heads = 0;
  readonly faults: unknown[] = [];
  readonly #maxSliceEvents: number;

  constructor(maxSliceEvents = 100) {
    this.#maxSliceEvents = maxSliceEvents;
  }

  get head(): number {
    return this.events.length;
  }

  append(type: string, data: Record<string, unknown> = {}): SliceEvent {
    const event = { id: newId(), position: this.head + 1, type, version: 1, data };
    this.events.push(event);
    return event;
  }

  newTail(): LogTail {
    return new LogTail({
      types: ["placed", "shipped"],
      kept: (_type, data) => data,
      readHead: async () => {
        this.#assertHere();
        this.heads += 1;
        return { head: this.head, cursorKey };
      },
      readSlice: async (query) => {
        this.#assertHere();
        this.slices.push(query);
        return this.#slice(query);
      },
      onFault: (fault) => this.faults.push(fault),
      listen: () => undefined,
      unlisten: () => undefined,
    });
  }

  #assertHere(): void {
    if (!this.isAway) return;
    this.failed += 1;
    throw serviceUnavailable("The log is away.");
  }

  #slice({ position, types, match = {} }: SliceQuery): LogSlice {
    const { head, prunedTo } = this;
    const matching = this.events.slice(Math.max(position, prunedTo)).filter(({ type, data }) => {
      const isMatch = Object.entries(match).every(([field, value]) => data[field] === value);
      return types.includes(type) && isMatch;
    });
    const events = matching.slice(0, this.#maxSliceEvents);
    const isCut = events.length < matching.length;
    const readTo = isCut ? (events.at(-1)?.position ?? position) : head;
    const previousId = position > prunedTo ? (this.events[position - 1]?.id ?? null) : null;
    return { events, readTo, head, prunedTo, previousId };
  }
}

interface Options {
  match?: Record<string, string>;
  after?: string | undefined;
  revocation?: () => Error | undefined;
  take?: (cost: number) => number | undefined;
}

/** Subscribes to the events "placed". */
export function subscribe(tail: LogTail, { match, after, revocation, take }: Options = {}) {
  return LogSubscription.open(
    tail,
    {
      types: ["placed"],
      match: match ?? {},
      isKnown: ({ version }) => version === 1,
      revocation: revocation ?? (() => undefined),
      take: take ?? (() => undefined),
    },
    after,
  );
}
