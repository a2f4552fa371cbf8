import { jest } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { EventEnvelope } from "../../../core/contract.ts";

/** Replaces an action. `call` runs the original action. */
type StandIn = (call: () => Promise<unknown>, params: unknown) => Promise<unknown>;

type Call = (name: string, params?: unknown, options?: unknown) => Promise<unknown>;

/** Replaces actions for all callers of this broker until `jest.restoreAllMocks()`. */
export function standInFor(broker: ServiceBroker, standIns: Record<string, StandIn>): void {
  const call = broker.call.bind<(...args: never[]) => unknown>(broker) as Call;
  const intercepted: Call = (name, params, options) => {
    const original = () => call(name, params, options);
    return standIns[name]?.(original, params) ?? original();
  };
  jest.spyOn(broker, "call").mockImplementation(intercepted);
}

/**
 * Holds back the events of a producer, both emitted and read from its log, until `letGo`. Mocks must
 * not be restored before.
 */
export function holdEvents(broker: ServiceBroker, producer: string) {
  const emit = broker.emit.bind(broker);
  const held: EventEnvelope[] = [];
  let isHeld = true;
  const standIn = (type: string, data?: unknown) => {
    const event = data as EventEnvelope;
    if (!isHeld || event.producer !== producer) return emit(type, event);
    held.push(event);
    return Promise.resolve();
  };
  jest.spyOn(broker, "emit").mockImplementation(standIn);
  standInFor(broker, {
    [`${producer}.eventsAfter`]: (call) =>
      isHeld ? Promise.reject(new Error("held by the test")) : call(),
  });
  return {
    held,
    async letGo(): Promise<void> {
      isHeld = false;
      for (const event of held) await emit(event.type, event);
    },
  };
}
