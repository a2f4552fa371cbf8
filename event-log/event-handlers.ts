import type { ServiceBroker } from "moleculer";
import type { Contract, Effect, EventEnvelope, EventHandler } from "../core/contract.ts";
import { keepDeadLetter } from "./dead-letters.ts";

export type Handlers = Record<string, EventHandler>;

/** Knows what a service does with the events of one producer. */
export class EventHandlers {
  readonly #producer: Contract;
  readonly #handlers: Handlers;
  readonly #checks: Map<string, (data: object) => unknown>;

  constructor(broker: ServiceBroker, producer: Contract, handlers: Handlers) {
    this.#producer = producer;
    this.#handlers = handlers;
    this.#checks = new Map(
      Object.entries(producer.events).map(([type, { data }]) => [type, checkOf(broker, data)]),
    );
  }

  /** The events behind a position, without a gap, that one transaction is to apply together. */
  runBehind(
    position: number,
    events: ReadonlyMap<number, EventEnvelope>,
    limit: number,
  ): EventEnvelope[] {
    const run: EventEnvelope[] = [];
    let handler: EventHandler | undefined;
    while (run.length < limit) {
      const event = events.get(position + run.length + 1);
      if (event === undefined) break;
      const own = this.#handlers[event.type];
      handler ??= own;
      // Effects of different kinds do not share a transaction, and so neither their locks' order.
      if (own !== undefined && own !== handler) break;
      run.push(event);
    }
    return run;
  }

  /** Applies a run; what no handler could understand becomes a dead letter. */
  async apply(run: EventEnvelope[], work: Effect): Promise<void> {
    const fitting: EventEnvelope[] = [];
    for (const event of run) {
      const fault = this.faultOf(event);
      if (fault !== undefined) await keepDeadLetter(work, event, fault);
      else if (this.#handlers[event.type] !== undefined) fitting.push(event);
    }
    const handler = this.#handlers[fitting[0]?.type ?? ""];
    if (handler === undefined) return;
    if (typeof handler !== "function") {
      await handler.handleBatch(fitting, work);
      return;
    }
    for (const event of fitting) {
      // What follows from an event is part of its trace.
      const record: Effect["record"] = (type, data, cause = event) => {
        work.record(type, data, cause);
      };
      await handler(event, { ...work, record });
    }
  }

  /** Why an event cannot be understood, if so. */
  faultOf({ type, version, data }: EventEnvelope): string | undefined {
    const { events } = this.#producer;
    const known = Object.hasOwn(events, type) ? events[type] : undefined;
    if (known === undefined) return `the type ${type} is not known`;
    if (known.version !== version) return `version ${version} of ${type} is not known`;
    if (typeof data !== "object" || data === null) return "the data is no object";
    const result = this.#checks.get(type)?.(data);
    if (!Array.isArray(result)) return undefined;
    const [first] = result as { message?: string }[];
    return `the data does not fit: ${first?.message ?? "a rule is broken"}`;
  }
}

function checkOf(broker: ServiceBroker, rules: object): (data: object) => unknown {
  const { validator } = broker;
  if (!validator) throw new Error("the broker has no validator");
  return validator.compile(rules as never) as (data: object) => unknown;
}
