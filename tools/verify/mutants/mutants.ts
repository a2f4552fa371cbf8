import { join } from "node:path";
import type { Invariant } from "../check/findings.ts";
import type { Service } from "../snapshot.ts";
import { usualWeights, type Weights } from "../workload/intents.ts";

/** Something that keeps an invariant, taken away on purpose: the checks must see it. */
export interface Mutant {
  name: string;
  /** What is taken away. */
  what: string;
  /** What no longer holds then. */
  invariant: Invariant;
  /** Loaded into the nodes, where it changes what they send to PostgreSQL. */
  preload: string;
  /** Each of these must have changed something, or the break has broken nothing. */
  parts: string[];
  /** What would hide it, taken out of the databases. */
  prepare: { service: Service; sql: string }[];
  weights: Weights;
  /** What there is of a product that everybody wants. */
  hotStock: number;
}

/** For as many orders as a short run has. */
const enough = 40;

export const mutants: Mutant[] = [
  {
    name: "oversell",
    what: "the stock condition is left out of the UPDATE that reserves",
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
    name: "cursor-apart",
    what: "the cursor moves outside of the effect's transaction",
    invariant: 4,
    parts: ["the cursor's lock", "the cursor's step", "commits that fail"],
    prepare: [],
    weights: usualWeights,
    hotStock: enough,
  },
  {
    name: "event-before-commit",
    what: "the event is in the log before its transaction commits",
    invariant: 4,
    parts: ["the entry in the log", "commits that fail"],
    prepare: [],
    weights: usualWeights,
    hotStock: enough,
  },
  {
    name: "no-tombstone",
    what: "a reservation expires without a promise that its order will never be",
    invariant: 3,
    parts: ["the promise", "what is void", "a slow order"],
    prepare: [],
    weights: usualWeights,
    hotStock: enough,
  },
  {
    name: "key-apart",
    what: "the record of an idempotency key has a transaction of its own",
    invariant: 5,
    parts: ["the claim", "the answer", "the commit"],
    prepare: [],
    weights: { ...usualWeights, addStock: 60 },
    hotStock: enough,
  },
  {
    name: "give-back-twice",
    what: "the give-back of a cancelled order is not keyed by the order",
    invariant: 3,
    parts: ["the state", "the rows given back"],
    prepare: [
      {
        service: "products",
        sql: "ALTER TABLE stock_changes DROP CONSTRAINT stock_changes_once_per_order",
      },
    ],
    weights: { ...usualWeights, cancelOrder: 40 },
    hotStock: enough,
  },
].map((one) => ({
  ...(one as Omit<Mutant, "preload">),
  preload: join(import.meta.dirname, `${one.name}.ts`),
}));
