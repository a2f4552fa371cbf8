import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { FaultKind } from "./faults/kinds.ts";

/** One product of an order, as asked for. */
export interface Line {
  product_id: string;
  quantity: number;
}

export interface PricedLine extends Line {
  /** Of one piece, in minor units. */
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
}

interface StockInput {
  product_id: string;
  number: number;
}

/** What is asked of the shop, by kind: what is sent, and what a success answers. */
export interface Kinds {
  registerUser: {
    input: { email: string; username: string; type: number };
    answer: { id: string; username: string; type: number };
  };
  createProduct: { input: { name: string; price: number; stock: number }; answer: ProductAnswer };
  addStock: { input: StockInput; answer: { success: boolean } };
  subtractStock: { input: StockInput; answer: { success: boolean } };
  archiveProduct: { input: { product_id: string }; answer: { success: boolean } };
  placeOrder: { input: { lines: Line[] }; answer: OrderAnswer };
  cancelOrder: { input: { order_id: string }; answer: OrderAnswer };
  readProduct: { input: { product_id: string }; answer: ProductAnswer };
  readOrder: { input: { order_id: string }; answer: OrderAnswer };
  listOrders: { input: Record<string, never>; answer: { ids: string[] } };
}

export type Kind = keyof Kinds;

/** What became of a request, as its sender knows it. */
export type Outcome<Answer> =
  | { outcome: "ok"; answer: Answer }
  /** The shop said no. */
  | { outcome: "refused"; code: string }
  /** No answer, or one that leaves open whether it happened. */
  | { outcome: "unknown"; code: string };

/** One request and its answer. The times of all lines count from the beginning of the run. */
export type RequestOf<K extends Kind> = {
  line: "request";
  /** Which operation it belongs to: the same intent of the same client, sent again or twice. */
  op: number;
  client: string;
  /** The signed-in user. */
  user: string | null;
  gateway: number;
  kind: K;
  /** Its Idempotency-Key. */
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
  /** What was broken on purpose. */
  break: string | null;
  nodes: string[];
  /** ISO 8601, UTC. */
  startedAt: string;
}

export interface FaultLine {
  line: "fault";
  kind: FaultKind;
  /** Which process, server or connection it struck. */
  target: string;
  startMs: number;
  endMs: number;
  detail?: Record<string, unknown>;
}

/** An event that was seen on its way over the broker. */
export interface EventLine {
  line: "event";
  atMs: number;
  id: string;
  type: string;
  producer: string;
  position: number;
}

/** The books of all products at one moment under load, read in one statement. */
export interface BooksLine {
  line: "books";
  atMs: number;
  products: number;
  wrong: { id: string; stock: number; onHand: number; held: number }[];
}

/** A node has ended, and nobody had killed it. */
interface DeathLine {
  line: "death";
  atMs: number;
  node: string;
  end: string;
}

/** Of the steps of placing an order, those that a node got to. */
interface StepsLine {
  line: "steps";
  reached: string[];
}

/** When a part of the run was over. */
interface PhaseLine {
  line: "phase";
  /**
   * opened: the load begins. healed: no fault goes on, and all that was down was started again.
   * finished: open requests were sent again. quiet: all is read and sold.
   */
  phase: "opened" | "healed" | "finished" | "quiet";
  atMs: number;
  /** What was still open, or had not come to rest, when there was no more time. */
  left?: string[];
}

export type HistoryLine =
  RunLine | AnyRequest | FaultLine | EventLine | BooksLine | DeathLine | StepsLine | PhaseLine;

/** Reads a history of JSON lines. */
export async function readHistory(file: string): Promise<HistoryLine[]> {
  const lines: HistoryLine[] = [];
  for await (const text of createInterface({ input: createReadStream(file) })) {
    if (text !== "") lines.push(JSON.parse(text) as HistoryLine);
  }
  return lines;
}

/** The shop has said something, even if it left open what will be. */
export function wasAnswered(request: AnyRequest): boolean {
  return request.outcome === "ok" || !request.code.startsWith("CLIENT_");
}
