import { changeSource } from "./change-source.ts";

/** What an order has given back already is given back again. */
const condition = "r.state <> 'CANCELLED'";

changeSource("the state", {
  concerns: ({ text }) => text.includes("SET state = 'CANCELLED'") && text.includes(condition),
  run: ({ text, values }, send) => send(text.replace(condition, "true"), values),
});
changeSource("the rows given back", {
  concerns: ({ text }) => /INSERT INTO stock_changes\b[^;]*'RETURNED'/.test(text),
  async run({ text, values }, send) {
    await send(text, values);
    return send(text, values);
  },
});
