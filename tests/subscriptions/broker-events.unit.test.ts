import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { EventEnvelope } from "../../core/contract.ts";
import { BrokerEvents } from "../../services/api/subscriptions/log/broker-events.ts";

let services: ServiceSchema[];
let created: number;
let received: EventEnvelope[];
let events: BrokerEvents;

beforeEach(() => {
  jest.useFakeTimers();
  services = [];
  created = 0;
  received = [];
  const broker = {
    createService(schema: ServiceSchema) {
      created += 1;
      services.push(schema);
      return schema;
    },
    async destroyService(service: ServiceSchema) {
      // Moleculer removes the service when its `stopped` has run.
      await new Promise((resolve) => setTimeout(resolve, 10));
      services = services.filter(({ name }) => name !== service.name);
    },
  } as unknown as ServiceBroker;
  events = new BrokerEvents(broker, ["order.placed"], (event) => received.push(event));
});
afterEach(() => {
  jest.useRealTimers();
});

const advance = (ms: number) => jest.advanceTimersByTimeAsync(ms);

test("events are received from the first use on", async () => {
  await advance(0);
  expect(services).toEqual([]);
  events.use();
  events.use();
  await advance(0);
  expect(created).toBe(1);
  const placed = services[0]?.events?.["order.placed"];
  const event = { type: "order.placed" } as EventEnvelope;
  (placed as { handler: (ctx: object) => void }).handler({ params: event });
  expect(received).toEqual([event]);
});

test("events are received for a minute after the last use", async () => {
  events.use();
  events.use();
  events.release();
  await advance(120_000);
  expect(services).toHaveLength(1);
  events.release();
  await advance(59_000);
  expect(services).toHaveLength(1);
  await advance(1_010);
  expect(services).toEqual([]);
});

test("a use in this minute goes on with the same service", async () => {
  events.use();
  events.release();
  await advance(30_000);
  events.use();
  await advance(120_000);
  expect(services).toHaveLength(1);
  expect(created).toBe(1);
});

test("a use while the service is being removed adds it again", async () => {
  events.use();
  await advance(0);
  void events.stop();
  await advance(5);
  events.use();
  await advance(10);
  expect(services).toHaveLength(1);
  expect(created).toBe(2);
});
