import { setTimeout as sleep } from "node:timers/promises";
import { changeSource } from "./change-source.ts";

/** Orders says that an order will never be, and does not see to it. */
const slowOrders = 3;
/** Longer than a reservation lasts, and the sweeper needs to find it. */
const slowMs = 3_300;
let slowed = 0;

changeSource("the promise", {
  concerns: ({ text }) => /INSERT INTO order_history[^;]*'VOID'/.test(text),
  run: (_statement, send) => send("SELECT"),
});
changeSource("what is void", {
  concerns: ({ text }) => /FROM order_history\b[^;]*status = 'VOID'/.test(text),
  run: ({ values }, send) =>
    send(
      `SELECT id AS order_id FROM unnest($1::uuid[]) AS asked (id)
       WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = asked.id)`,
      values,
    ),
});
changeSource("a slow order", {
  concerns: ({ text }) => /INSERT INTO orders\b/.test(text) && slowed < slowOrders,
  async run({ text, values }, send) {
    slowed += 1;
    await sleep(slowMs);
    return send(text, values);
  },
});
