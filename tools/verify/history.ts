import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { FaultKind } from "./faults/kinds.ts";

/** One product of an order, as requested. */
interface Line {
  product_id: string;
  quantity: number;
}

/** A line of `placeOrder`. */
export interface RequestedLine extends Line {
  /** The price that the order must have, in minor units. */
  expectedPrice?: number;
}

export interface PricedLine extends Line {
  /** The price of one piece, in minor units. */
  price: number;
}

export interface OrderAnswer {
  id: string;
  user_id: string;
  price_total: number;
  quantity: number;
  status: string;
  order_products: PricedLine[];
}

interface ProductAnswer {
  id: string;
  name: string;
  price: number;
  stock: number;
  version: number;
}

interface StockInput {
  product_id: string;
  number: number;
}

/** The kinds of requests: the input of each, and the answer of a success. */
export interface Kinds {
  registerUser: {
    input: { email: string; username: string; type: number };
    answer: { id: string; username: string; type: number };
  };
  /** Its answer is without a version, so that shops of version 1.0 can give it. */
  createProduct: {
    input: { name: string; price: number; stock: number };
    answer: Omit<ProductAnswer, "version">;
  };
  /** `version` is the version that the client has read. */
  updatePrice: {
    input: { product_id: string; version: number; price: number };
    answer: ProductAnswer;
  };
  addStock: { input: StockInput; answer: { success: boolean } };
  subtractStock: { input: StockInput; answer: { success: boolean } };
  archiveProduct: { input: { product_id: string }; answer: { success: boolean } };
  placeOrder: { input: { lines: RequestedLine[] }; answer: OrderAnswer };
  cancelOrder: { input: { order_id: string }; answer: OrderAnswer };
  shipOrder: { input: { order_id: string; tracking: string }; answer: OrderAnswer };
  completeOrder: { input: { order_id: string }; answer: OrderAnswer };
  readProduct: { input: { product_id: string }; answer: ProductAnswer };
  readOrder: { input: { order_id: string }; answer: OrderAnswer };
  listOrders: { input: Record<string, never>; answer: { ids: string[] } };
}

export type Kind = keyof Kinds;

/** The outcome of a request, as its client knows it. */
export type Outcome<Answer> =
  | { outcome: "ok"; answer: Answer }
  /** The shop answered with a client error. */
  | { outcome: "rejected"; code: string }
  /** No answer, or an error that leaves open whether the request had its effect. */
  | { outcome: "unknown"; code: string };

/** One request and its answer. All times of a history are milliseconds since the beginning of the run. */
export type RequestOf<K extends Kind> = {
  line: "request";
  /** The operation: retries and duplicates of one intent have the same number. */
  op: number;
  client: string;
  /** The signed-in user. */
  user: string | null;
  gateway: number;
  kind: K;
  /** The Idempotency-Key. */
  key: string | null;
  input: Kinds[K]["input"];
  startMs: number;
  endMs: number;
} & Outcome<Kinds[K]["answer"]>;

export type AnyRequest = { [K in Kind]: RequestOf<K> }[Kind];

export interface RunLine {
  line: "run";
  seed: number;
  minutes: number;
  faults: FaultKind[];
  /** The mutant of the run. */
  mutant: string | null;
  nodes: string[];
  /** ISO 8601, UTC. */
  startedAt: string;
}

export interface FaultLine {
  line: "fault";
  kind: FaultKind;
  /** The process, server or connection that the fault was injected into. */
  target: string;
  startMs: number;
  endMs: number;
  detail?: Record<string, unknown>;
}

/** Why a planned fault was not injected. */
export type MissReason =
  | "the load had ended"
  | "no healthy node with a healthy replica"
  | "another fault of its kind was active"
  | "no node reached the step in time"
  | "no event passed";

/** A planned fault that was not injected. */
export interface MissedFaultLine {
  line: "missed fault";
  kind: FaultKind;
  atMs: number;
  reason: MissReason;
}

/** An event that was seen on its way to NATS. */
export interface EventLine {
  line: "event";
  atMs: number;
  id: string;
  type: string;
  producer: string;
  position: number;
}

/** The stock and ledger of all products under load, read in one statement. */
export interface BooksLine {
  line: "books";
  atMs: number;
  products: number;
  wrong: { id: string; stock: number; onHand: number; held: number }[];
}

/** A webhook to a receiver of the run was created. */
export interface EndpointLine {
  line: "endpoint";
  atMs: number;
  endpoint: number;
  /** The types of the events that it gets. */
  events: string[];
  /** The heads of the logs after the creation. The endpoint gets all later events. */
  heads: Record<"users" | "products" | "orders", number>;
}

/** A receiver got an event. */
export interface WebhookLine {
  line: "webhook";
  atMs: number;
  endpoint: number;
  /** The header `webhook-id`. */
  id: string;
  type: string;
  data: Record<string, unknown>;
  /** Whether the receiver has answered with success. The answer may have been lost. */
  accepted: boolean;
}

/** A node has ended although no fault killed it. */
interface DeathLine {
  line: "death";
  atMs: number;
  node: string;
  end: string;
}

/** The steps of placing an order that were reached (preload/steps.ts). */
interface StepsLine {
  line: "steps";
  reached: string[];
}

/** The beginning of a phase of the run. */
interface PhaseLine {
  line: "phase";
  /**
   * opened: the load begins. healed: all faults have ended and all servers run. finished: requests
   * with an unknown outcome were sent again. quiescent: all events are consumed, no stock is held.
   */
  phase: "opened" | "healed" | "finished" | "quiescent";
  atMs: number;
  /** The work that was left when the time limit of the phase passed. */
  left?: string[];
}

export type HistoryLine =
  | RunLine
  | EndpointLine
  | WebhookLine
  | AnyRequest
  | FaultLine
  | MissedFaultLine
  | EventLine
  | BooksLine
  | DeathLine
  | StepsLine
  | PhaseLine;

/** Reads a history file of JSON lines. */
export async function readHistory(file: string): Promise<HistoryLine[]> {
  const lines: HistoryLine[] = [];
  for await (const text of createInterface({ input: createReadStream(file) })) {
    if (text !== "") lines.push(JSON.parse(text) as HistoryLine);
  }
  return lines;
}

/** Whether the shop answered at all, even with an error that leaves the outcome unknown. */
export function wasAnswered(request: AnyRequest): boolean {
  return request.outcome === "ok" || !request.code.startsWith("CLIENT_");
}
