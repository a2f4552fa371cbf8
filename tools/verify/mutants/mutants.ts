import { join } from "node:path";
import type { Invariant } from "../check/findings.ts";
import type { Service } from "../snapshot.ts";
import { usualWeights, type Weights } from "../workload/intents.ts";

/** A bug that is planted in the nodes to test the checks: it removes a safeguard of an invariant. */
export interface Mutant {
  name: string;
  /** The removed safeguard. */
  description: string;
  /** The invariant that the mutant must violate. */
  invariant: Invariant;
  /** The module that is loaded into the nodes and changes their SQL statements. */
  preload: string;
  /** The changes of the mutant. Each must match a statement, or the mutant is not applied. */
  parts: string[];
  /** Removes the constraints that would prevent the violation. */
  prepare: { service: Service; sql: string }[];
  weights: Weights;
  /** The first stock of each hot product. */
  hotStock: number;
}

/** Enough stock for all orders of a short run. */
const ampleStock = 40;

export const mutants: Mutant[] = [
  {
    name: "oversell",
    description: "the UPDATE that reserves stock lacks its condition",
    invariant: 1,
    parts: ["the stock condition"],
    prepare: [
      {
        service: "products",
        sql: "ALTER TABLE products DROP CONSTRAINT products_stock_not_negative",
      },
    ],
    weights: { ...usualWeights, addStock: 0 },
    hotStock: 2,
  },
  {
    name: "lost-update",
    description: "an update of a product ignores the version that its caller has read",
    invariant: 2,
    parts: ["the condition for the version"],
    prepare: [],
    weights: { ...usualWeights, updatePrice: 40 },
    hotStock: ampleStock,
  },
  {
    name: "cursor-outside-transaction",
    description: "the cursor moves outside the transaction of the effect",
    invariant: 4,
    parts: ["the move of the cursor", "the failing commits"],
    prepare: [],
    weights: usualWeights,
    hotStock: ampleStock,
  },
  {
    name: "event-before-commit",
    description: "the event is in the log before its transaction commits",
    invariant: 4,
    parts: ["the log entry", "the failing commits"],
    prepare: [],
    weights: usualWeights,
    hotStock: ampleStock,
  },
  {
    name: "no-tombstone",
    description: "a reservation expires without a tombstone of its order",
    invariant: 3,
    parts: ["the tombstone", "the tombstones that are read", "a slow order"],
    prepare: [],
    weights: usualWeights,
    hotStock: ampleStock,
  },
  {
    name: "key-outside-transaction",
    description: "the record of an idempotency key has a transaction of its own",
    invariant: 5,
    parts: ["the claim", "the answer", "the commit"],
    prepare: [],
    weights: { ...usualWeights, addStock: 60 },
    hotStock: ampleStock,
  },
  {
    name: "restock-twice",
    description: "the restock of a cancelled order is not limited to once",
    invariant: 3,
    parts: ["the state condition", "the restock rows"],
    prepare: [
      {
        service: "products",
        sql: "ALTER TABLE stock_changes DROP CONSTRAINT stock_changes_once_per_order",
      },
    ],
    weights: { ...usualWeights, cancelOrder: 40 },
    hotStock: ampleStock,
  },
  {
    name: "cancel-after-shipping",
    description: "a shipped order can be cancelled",
    invariant: 3,
    parts: ["the status of a shipped order", "the step of the cancellation"],
    prepare: [
      {
        service: "orders",
        sql: "ALTER TABLE order_history DROP CONSTRAINT order_history_steps",
      },
    ],
    weights: { ...usualWeights, cancelOrder: 40, shipOrder: 40 },
    hotStock: ampleStock,
  },
  {
    name: "one-change-per-batch",
    description: "a read model takes one change of a product's stock per batch of events",
    invariant: 6,
    parts: ["the sum of the changes"],
    prepare: [],
    weights: { ...usualWeights, addStock: 60 },
    hotStock: ampleStock,
  },
  {
    name: "webhook-without-answer",
    description: "a webhook counts as delivered when its first attempt fails",
    invariant: 7,
    parts: ["the state of a failed attempt"],
    prepare: [],
    weights: usualWeights,
    hotStock: ampleStock,
  },
].map((mutant) => ({
  ...(mutant as Omit<Mutant, "preload">),
  preload: join(import.meta.dirname, `${mutant.name}.ts`),
}));
