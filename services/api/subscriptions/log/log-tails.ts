import type { ServiceBroker } from "moleculer";
import { gatewayName } from "../../../../core/access.ts";
import type { Contract, EventEnvelope } from "../../../../core/contract.ts";
import { serviceUnavailable } from "../../../../core/errors.ts";
import type { LogHead, LogSlice } from "../../../../core/events/log-slice.ts";
import { callIfAvailable } from "../../../../core/tasks/call-if-available.ts";
import { BrokerEvents } from "./broker-events.ts";
import { LogSubscription, type LogSubscriptionOptions } from "./log-subscription.ts";
import { LogTail } from "./log-tail.ts";

/** The tails of all producers whose contracts declare subscriptions. */
export class LogTails {
  readonly #tails = new Map<string, LogTail>();
  readonly #brokerEvents: BrokerEvents;

  constructor(broker: ServiceBroker, contracts: readonly Contract[]) {
    const producers = contracts.filter((contract) => subscribedTypes(contract).length > 0);
    // All types of a producer, so that the positions have no gap.
    const types = producers.flatMap(({ events }) => Object.keys(events));
    this.#brokerEvents = new BrokerEvents(broker, types, (event) => {
      this.#tails.get(event.producer)?.receive(event as EventEnvelope<Record<string, unknown>>);
    });
    for (const contract of producers) {
      this.#tails.set(contract.name, tailOf(broker, contract, this.#brokerEvents));
    }
  }

  /** Subscribes to events of a producer. Throws the errors of `LogSubscription.open`. */
  async subscribe(
    producer: string,
    options: LogSubscriptionOptions,
    cursor: string | undefined,
  ): Promise<LogSubscription> {
    const tail = this.#tails.get(producer);
    if (tail === undefined) throw new Error(`${producer} has no subscriptions.`);
    return LogSubscription.open(tail, options, cursor);
  }

  /** Returns the number of subscriptions to events of a type. */
  count(type: string): number {
    return [...this.#tails.values()].reduce((sum, tail) => sum + tail.count(type), 0);
  }

  /** Ends all subscriptions. */
  async stop(): Promise<void> {
    for (const tail of this.#tails.values()) tail.stop();
    await this.#brokerEvents.stop();
  }
}

/** Returns the types of the events that a contract's subscriptions deliver. */
function subscribedTypes({ graphql }: Contract): string[] {
  const subscriptions = Object.values(graphql?.subscriptions ?? {});
  return [...new Set(subscriptions.flatMap(({ events }) => events))];
}

function tailOf(broker: ServiceBroker, contract: Contract, brokerEvents: BrokerEvents): LogTail {
  const { name } = contract;
  const loaded = loadedFields(contract);
  async function call<Result>(action: string, params: object): Promise<Result> {
    const options = { caller: gatewayName };
    const result = await callIfAvailable<Result>(broker, action, params, options);
    if (result !== undefined) return result;
    throw serviceUnavailable(`The events of ${name} cannot be read now. Subscribe again later.`);
  }
  return new LogTail({
    types: subscribedTypes(contract),
    kept(type, data) {
      const fields = loaded.get(type);
      if (fields === undefined) return data;
      return Object.fromEntries(fields.map((field) => [field, data[field]]));
    },
    readHead: () => call<LogHead>(`${name}.eventHead`, {}),
    readSlice: (query) => call<LogSlice>(`${name}.eventSlice`, query),
    onFault: (fault) => {
      broker.logger.error(`The events of ${name} could not be read.`, fault);
    },
    listen: () => {
      brokerEvents.use();
    },
    unlisten: () => {
      brokerEvents.release();
    },
  });
}

/**
 * Returns the fields that are kept of events whose subscriptions load another object: its id and the
 * owner. The lines of an order would take much memory.
 */
function loadedFields({ graphql }: Contract): Map<string, readonly string[]> {
  const subscriptions = Object.values(graphql?.subscriptions ?? {});
  const types = new Set(subscriptions.flatMap(({ events }) => events));
  const entries = [...types].flatMap((type) => {
    const delivering = subscriptions.filter(({ events }) => events.includes(type));
    if (delivering.some(({ load }) => load === undefined)) return [];
    const fields = delivering.flatMap(({ load, owner }) => [load?.from, owner]);
    return [[type, fields.filter((field) => field !== undefined)] as const];
  });
  return new Map(entries);
}
