import { setTimeout as sleep } from "node:timers/promises";
import { mutateStatements } from "./mutate-statements.ts";

/**
 * Releases an expired reservation without writing the tombstone of its order, so that a slow order
 * can still be written.
 */
const slowOrders = 3;
/** In this time, `products` releases the reservation of an order that does not exist. */
const releaseMs = 1_000;
/** Longer than the TTL of a reservation plus the interval of the sweep, also on a busy machine. */
const maxSlowMs = 10_000;
let slowed = 0;
/** Ends the wait of the slow orders, by their ids. */
const waiting = new Map<string, AbortController>();

mutateStatements("the tombstone", {
  concerns: ({ text }) => /INSERT INTO order_history[^;]*'VOID'/.test(text),
  run: (_statement, send) => send("SELECT"),
});
mutateStatements("the tombstones that are read", {
  concerns: ({ text }) => /FROM order_history\b[^;]*status = 'VOID'/.test(text),
  async run({ values }, send) {
    const tombstones = await send(
      `SELECT id AS order_id FROM unnest($1::uuid[]) AS asked (id)
       WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = asked.id)`,
      values,
    );
    for (const id of idsIn(values)) {
      setTimeout(() => {
        waiting.get(id)?.abort();
      }, releaseMs);
    }
    return tombstones;
  },
});
mutateStatements("a slow order", {
  concerns: ({ text }) => /INSERT INTO orders\b/.test(text) && slowed < slowOrders,
  async run({ text, values }, send) {
    slowed += 1;
    const wait = new AbortController();
    for (const id of idsIn(values)) waiting.set(id, wait);
    await sleep(maxSlowMs, undefined, { signal: wait.signal }).catch(() => undefined);
    return send(text, values);
  },
});

/** The first value of these statements is the list of the ids of the orders. */
function idsIn(values: unknown[] | undefined): string[] {
  const [ids] = values ?? [];
  return ids as string[];
}
