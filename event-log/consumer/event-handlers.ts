import type { ServiceBroker } from "moleculer";
import type { Contract, Effect, EventEnvelope, EventHandler } from "../../core/contract.ts";
import { storeDeadLetter } from "../dead-letters/dead-letters.ts";
import type { Cursor } from "./event-cursor.ts";
import { follows } from "./feed-halt.ts";

type Handlers = Record<string, EventHandler>;

/** The events that one transaction can apply. */
interface NextBatch {
  batch: EventEnvelope[];
  /** The event after the batch, if this node does not know its type or version. */
  unknown?: EventEnvelope | undefined;
  /** The next event is there, and belongs to another batch. */
  isCut?: boolean;
}

/** Validates the events of one producer and runs the consumer's handlers for them. */
export class EventHandlers {
  readonly #producer: Contract;
  readonly #handlers: Handlers;
  readonly #checks: Map<string, (data: object) => unknown>;
  readonly #onDeadLetter: (event: EventEnvelope, reason: string) => void;

  /** @param onDeadLetter called for each event that became a dead letter */
  constructor(
    broker: ServiceBroker,
    producer: Contract,
    handlers: Handlers,
    onDeadLetter: (event: EventEnvelope, reason: string) => void,
  ) {
    this.#producer = producer;
    this.#handlers = handlers;
    this.#onDeadLetter = onDeadLetter;
    this.#checks = new Map(
      Object.entries(producer.events).map(([type, { data }]) => [type, checkOf(broker, data)]),
    );
  }

  /** Returns the events that follow the cursor without a gap and can be applied in one transaction. */
  nextBatch(
    { position, eventId }: Cursor,
    events: ReadonlyMap<number, EventEnvelope>,
    limit: number,
  ): NextBatch {
    const batch: EventEnvelope[] = [];
    let batchHandler: EventHandler | undefined;
    while (batch.length < limit) {
      const event = events.get(position + batch.length + 1);
      if (event === undefined || !follows(event, batch.at(-1)?.id ?? eventId)) break;
      if (!this.knows(event)) return { batch, unknown: event };
      const handler = this.#handlers[event.type];
      batchHandler ??= handler;
      // Two handlers in one transaction could take locks in an order that leads to deadlocks.
      if (handler !== undefined && handler !== batchHandler) return { batch, isCut: true };
      batch.push(event);
    }
    return { batch };
  }

  /** Returns whether a batch has an effect now. Otherwise, only the cursor moves. */
  async areNeeded(batch: readonly EventEnvelope[]): Promise<boolean> {
    const handler = this.#handlerOf(batch);
    const isNeeded =
      typeof handler === "object" && handler.isNeeded !== undefined
        ? await handler.isNeeded(batch)
        : handler !== undefined;
    return isNeeded || batch.some((event) => this.violationOf(event) !== undefined);
  }

  /** Returns whether a handler applies events of a batch, which it may not need now. */
  handles(batch: readonly EventEnvelope[]): boolean {
    return this.#handlerOf(batch) !== undefined;
  }

  #handlerOf(batch: readonly EventEnvelope[]): EventHandler | undefined {
    const handled = batch.find(({ type }) => this.#handlers[type] !== undefined);
    return handled && this.#handlers[handled.type];
  }

  /**
   * Returns whether this node knows the type and the version of an event. Nodes of another version
   * of the consumer may know it.
   */
  knows({ type, version }: Pick<EventEnvelope, "type" | "version">): boolean {
    const { events } = this.#producer;
    return Object.hasOwn(events, type) && events[type]?.version === version;
  }

  /**
   * Applies a batch. An event that violates its contract becomes a dead letter.
   *
   * @param failed the reasons of events that the handler has rejected, by their ids: these become
   *   dead letters too
   */
  async apply(
    batch: EventEnvelope[],
    work: Effect,
    failed: ReadonlyMap<string, string> = new Map(),
  ): Promise<void> {
    const valid: EventEnvelope[] = [];
    for (const event of batch) {
      const violation = failed.get(event.id) ?? this.violationOf(event);
      if (violation !== undefined)
        await storeDeadLetter(work, event, violation, this.#onDeadLetter);
      else if (this.#handlers[event.type] !== undefined) valid.push(event);
    }
    const handler = this.#handlers[valid[0]?.type ?? ""];
    if (handler === undefined) return;
    if (typeof handler !== "function") {
      await handler.handleBatch(valid, work);
      return;
    }
    for (const event of valid) {
      // Events that the handler records join the trace of the event that caused them.
      const record: Effect["record"] = (type, data, cause = event) => {
        work.record(type, data, cause);
      };
      await handler(event, { ...work, record });
    }
  }

  /** Applies a valid event that was a dead letter. */
  async redrive(event: EventEnvelope, work: Effect): Promise<void> {
    const handler = this.#handlers[event.type];
    if (typeof handler === "object" && handler.redrive !== undefined) {
      await handler.redrive(event, work);
    } else await this.apply([event], work);
  }

  /** Returns how an event violates its contract; undefined for a valid event. */
  violationOf(event: EventEnvelope): string | undefined {
    const { type, version, data } = event;
    if (!this.knows(event)) return `version ${version} of ${type} is unknown`;
    if (typeof data !== "object" || data === null) return "the data is not an object";
    const result = this.#checks.get(type)?.(data);
    if (!Array.isArray(result)) return undefined;
    const [first] = result as { message?: string }[];
    return `the data is invalid: ${first?.message ?? "a rule is violated"}`;
  }
}

function checkOf(broker: ServiceBroker, rules: object): (data: object) => unknown {
  const { validator } = broker;
  if (!validator) throw new Error("The broker has no validator.");
  return validator.compile(rules as never) as (data: object) => unknown;
}
