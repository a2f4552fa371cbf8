import type { ServiceBroker } from "moleculer";
import { timeOfId } from "../../../core/ids/ids.ts";
import { callIfAvailable } from "../../../core/tasks/call-if-available.ts";
import { traceIdOf } from "../../../core/tracing/trace.ts";
import { maxTracedEvents, type TracedDelivery } from "../../webhooks/webhooks.contract.ts";
import {
  maxTraceSteps,
  type OrderTimeline,
  type OrderTrace,
  type OrderTraceStep,
} from "../orders.contract.ts";
import type { CollectedTrace } from "./trace-order.ts";

/** A webhooks service that does not answer must not use up the timeout of the whole call. */
const deliveriesTimeoutMs = 1_500;

/**
 * Makes one list of steps of the durable data about an order. The times are those of several databases,
 * whose clocks may differ by some milliseconds.
 */
export async function timelineOf(
  broker: ServiceBroker,
  { trace, isStockKnown }: CollectedTrace,
): Promise<OrderTimeline> {
  const deliveries = await deliveriesOf(broker, trace);
  const steps = [
    ...requestSteps(trace),
    ...stockSteps(trace),
    ...eventSteps(trace),
    ...(deliveries ?? []).map(deliveryStep),
  ].sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
  const missing = [
    ...(isStockKnown ? [] : ["products"]),
    ...(deliveries === undefined ? ["webhooks"] : []),
  ];
  return { order: trace.order, steps: steps.slice(0, maxTraceSteps), missing };
}

/** Returns the deliveries of the events; undefined if the service that has them does not answer. */
async function deliveriesOf(
  broker: ServiceBroker,
  { events }: OrderTrace,
): Promise<TracedDelivery[] | undefined> {
  const eventIds = events.slice(0, maxTracedEvents).map(({ id }) => id);
  const options = { timeout: deliveriesTimeoutMs };
  return callIfAvailable<TracedDelivery[]>(
    broker,
    "webhooks.deliveriesOf",
    { eventIds },
    options,
  ).catch(() => undefined);
}

function requestSteps({ order, history }: OrderTrace): OrderTraceStep[] {
  const begunAt = timeOfId(order.id);
  const placedAt = history.find(({ status }) => status === "PLACED")?.at;
  const request: OrderTraceStep = {
    ...moment("REQUEST", "orders", "orders.place", begunAt),
    durationMs: placedAt === undefined ? null : millisecondsBetween(begunAt, placedAt),
  };
  const changes = history.map(({ status, at, user_id, username }) => ({
    ...moment("STATUS", "orders", status, at),
    detail: user_id === null ? "by the operator" : `by ${username ?? `the user ${user_id}`}`,
  }));
  return [request, ...changes];
}

/** Lines that were changed together are one step. */
function stockSteps({ stock }: OrderTrace): OrderTraceStep[] {
  if (stock === null) return [];
  const { reservation, lines, ledger } = stock;
  const pieces = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const reserved = reservation && {
    // Its state is that of now, its time that of its creation. A tombstone has no lines.
    ...moment("RESERVATION", "products", pieces > 0 ? "HELD" : reservation.state, reservation.at),
    detail: piecesOf(pieces, lines.length),
  };
  const changes = Map.groupBy(ledger, ({ at, reason }) => `${at} ${reason}`);
  const changed = [...changes.values()].flatMap((rows) => {
    const [first] = rows;
    if (first === undefined) return [];
    const change = rows.reduce((sum, row) => sum + row.change, 0);
    return [
      {
        ...moment("STOCK", "products", first.reason, first.at),
        detail: piecesOf(change, rows.length),
      },
    ];
  });
  return [...(reserved ? [reserved] : []), ...changed];
}

/** Says "2 pieces of 1 product"; for pieces that leave the stock with a minus sign. */
function piecesOf(pieces: number, products: number): string {
  const count = pieces.toLocaleString("en", { signDisplay: "negative" }).replace("-", "\u2212");
  const nouns = [
    Math.abs(pieces) === 1 ? "piece" : "pieces",
    products === 1 ? "product" : "products",
  ];
  return `${count} ${nouns[0]} of ${products} ${nouns[1]}`;
}

function eventSteps({ events }: OrderTrace): OrderTraceStep[] {
  return events.flatMap(({ type, producer, occurredAt, position, traceparent, consumed }) => {
    const traceId = traceIdOf(traceparent);
    const trace = traceId === undefined ? "" : `, trace ${traceId}`;
    const recorded = {
      ...moment("EVENT", producer, type, occurredAt),
      detail: `position ${position}${trace}`,
    };
    const applied = consumed.map(({ consumer, node, at }): OrderTraceStep => ({
      ...moment("APPLICATION", consumer, type, occurredAt),
      node,
      durationMs: millisecondsBetween(occurredAt, at),
    }));
    return [recorded, ...applied];
  });
}

function deliveryStep(delivery: TracedDelivery): OrderTraceStep {
  const { type, webhookId, state, attempts, lastStatus, occurredAt, finishedAt } = delivery;
  const status = lastStatus === null ? "" : `, HTTP ${lastStatus}`;
  return {
    ...moment("DELIVERY", "webhooks", type, occurredAt),
    durationMs: finishedAt === null ? null : millisecondsBetween(occurredAt, finishedAt),
    detail: `${state} to webhook ${webhookId}, attempts ${attempts}${status}`,
  };
}

function moment(
  kind: OrderTraceStep["kind"],
  service: string,
  name: string,
  at: string,
): OrderTraceStep {
  return { kind, service, node: null, name, at, durationMs: null, detail: null };
}

/** Never negative: the times can be those of two clocks. */
function millisecondsBetween(start: string, end: string): number {
  return Math.max(0, Date.parse(end) - Date.parse(start));
}
