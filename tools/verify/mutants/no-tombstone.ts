import { setTimeout as sleep } from "node:timers/promises";
import { mutateStatements } from "./mutate-statements.ts";

/**
 * Releases an expired reservation without writing the tombstone of its order, so that a slow order
 * can still be written.
 */
const slowOrders = 3;
/** Longer than the TTL of a reservation plus the interval of the sweep. */
const slowMs = 3_300;
let slowed = 0;

mutateStatements("the tombstone", {
  concerns: ({ text }) => /INSERT INTO order_history[^;]*'VOID'/.test(text),
  run: (_statement, send) => send("SELECT"),
});
mutateStatements("the tombstones that are read", {
  concerns: ({ text }) => /FROM order_history\b[^;]*status = 'VOID'/.test(text),
  run: ({ values }, send) =>
    send(
      `SELECT id AS order_id FROM unnest($1::uuid[]) AS asked (id)
       WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = asked.id)`,
      values,
    ),
});
mutateStatements("a slow order", {
  concerns: ({ text }) => /INSERT INTO orders\b/.test(text) && slowed < slowOrders,
  async run({ text, values }, send) {
    slowed += 1;
    await sleep(slowMs);
    return send(text, values);
  },
});
