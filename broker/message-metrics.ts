import type { MetricRegistry, ServiceBroker } from "moleculer";
import type { MetricLabels } from "./metric-series.ts";

/** A number that the next flush adds to a counter of Moleculer's registry. */
export type CounterOf = (name: string, labels: MetricLabels) => { count: number };

type Hook<Args extends unknown[]> = (
  next: (...args: Args) => unknown,
) => (this: unknown, ...args: Args) => unknown;

/** The hooks of Moleculer's transit and transporter. */
interface MessageHooks {
  transitPublish: Hook<[packet: { type: string }, ...unknown[]]>;
  transitMessageHandler: Hook<[type: string, ...unknown[]]>;
  transporterSend: Hook<[topic: string, data: Buffer, ...unknown[]]>;
  transporterReceive: Hook<[type: string, data: Buffer, ...unknown[]]>;
}

/** Members of Moleculer's transit that its types omit. */
interface Transit {
  pendingRequests: Map<string, unknown>;
  pendingReqStreams: Map<string, unknown>;
  pendingResStreams: Map<string, unknown>;
}

const published = "moleculer.transit.publish.total";
const received = "moleculer.transit.receive.total";
const requests = "moleculer.transit.requests.active";
const streams = "moleculer.transit.streams.send.active";
const packets = {
  sent: "moleculer.transporter.packets.sent.total",
  sentBytes: "moleculer.transporter.packets.sent.bytes",
  received: "moleculer.transporter.packets.received.total",
  receivedBytes: "moleculer.transporter.packets.received.bytes",
} as const;

export const messageMetricNames = [
  published,
  received,
  requests,
  streams,
  ...Object.values(packets),
];

/**
 * Counts messages between nodes in plain numbers. Moleculer would update its registry eight times per
 * message.
 */
export function messageHooks(counterOf: CounterOf): MessageHooks {
  const sent = counterOf(packets.sent, {});
  const sentBytes = counterOf(packets.sentBytes, {});
  const arrived = counterOf(packets.received, {});
  const arrivedBytes = counterOf(packets.receivedBytes, {});
  const publishedOf = counterOfType(counterOf, published);
  const receivedOf = counterOfType(counterOf, received);
  return {
    transitPublish: (next) =>
      function (packet, ...rest) {
        publishedOf(packet.type).count += 1;
        return next.call(this, packet, ...rest);
      },
    transitMessageHandler: (next) =>
      function (type, ...rest) {
        receivedOf(type).count += 1;
        return next.call(this, type, ...rest);
      },
    transporterSend: (next) =>
      function (topic, data, ...rest) {
        sent.count += 1;
        sentBytes.count += data.length;
        return next.call(this, topic, data, ...rest);
      },
    transporterReceive: (next) =>
      function (type, data, ...rest) {
        arrived.count += 1;
        arrivedBytes.count += data.length;
        return next.call(this, type, data, ...rest);
      },
  };
}

/** Sets the gauges of open requests and streams. Moleculer would add to them at each message. */
export function setMessageGauges(metrics: MetricRegistry, transit: ServiceBroker["transit"]): void {
  if (transit === undefined) return;
  const { pendingRequests, pendingReqStreams, pendingResStreams } = transit as unknown as Transit;
  metrics.set(requests, pendingRequests.size);
  metrics.set(streams, pendingReqStreams.size + pendingResStreams.size);
}

/** Returns the counter of a type of packets. There are about ten types. */
function counterOfType(counterOf: CounterOf, name: string): (type: string) => { count: number } {
  const counters = new Map<string, { count: number }>();
  return (type) => {
    let counter = counters.get(type);
    if (counter === undefined) counters.set(type, (counter = counterOf(name, { type })));
    return counter;
  };
}
