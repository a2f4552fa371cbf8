import { action, type EventEnvelope } from "../../../core/contract.ts";
import { id } from "../../../core/validation.ts";
import type { ReservationTrace as StockTrace } from "../../products/products.contract.ts";
import type { Order, OrderStep } from "./reading.contract.ts";

/** When and on which node a service applied an event. Times are ISO 8601, UTC. */
export interface Consumption {
  consumer: string;
  node: string;
  at: string;
}

/** The data about an order from all services. */
export interface OrderTrace {
  order: Order;
  /** Without a user, the operator has changed the status. The name of an erased user is null. */
  history: (OrderStep & { user_id: string | null; username: string | null })[];
  /** Null if the products service is unavailable or has no reservation. */
  stock: Omit<StockTrace, "events"> | null;
  /** All events about the order, oldest first, with the services that have applied them. */
  events: (EventEnvelope & { consumed: Consumption[] })[];
}

/** The kinds of steps of an order's timeline, with their meanings: the enum `OrderTraceKind`. */
export const traceKinds = {
  REQUEST: "The request to place the order, until the order was stored",
  RESERVATION: "Stock was reserved for the order.",
  STATUS: "The order got a status.",
  STOCK: "The stock on hand was changed for the order.",
  EVENT: "A service recorded an event about the order.",
  APPLICATION: "A service applied an event; it starts when the event was recorded.",
  DELIVERY: "A webhook got an event, or is to get it; it starts when the event was recorded.",
  SPAN: "A part of the request, as a trace recorded it",
} as const;

/** A step of an order's timeline. */
export interface OrderTraceStep {
  kind: keyof typeof traceKinds;
  service: string;
  /** The node that did it, if it is known. */
  node: string | null;
  name: string;
  /** The start: ISO 8601, UTC. */
  at: string;
  /** Null for a moment, and for a duration that is unknown or not over. */
  durationMs: number | null;
  /** Further data, for people. */
  detail: string | null;
}

/** What happened to an order in all services, in the order of time. */
export interface OrderTimeline {
  order: Order;
  steps: OrderTraceStep[];
  /** The services that did not answer: their steps are missing. */
  missing: string[];
}

/** The maximum number of steps of a timeline. */
export const maxTraceSteps = 1_000;

/** The actions that show what happened to an order in all services. */
export const traceActions = {
  /** Returns the data about an order from all services. Throws ORDER_NOT_FOUND. */
  trace: action<{ id: string }, OrderTrace>({ params: { id: id() }, access: "admin" }),
  /** Returns what happened to an order, as one list of steps. Throws ORDER_NOT_FOUND. */
  timeline: action<{ id: string }, OrderTimeline>({
    params: { id: id() },
    access: "operations",
    gateway: true,
    safeToRetry: true,
  }),
};
