import { changeSource } from "./change-source.ts";

/** Stock is taken whether it is there or not. */
const condition = "p.stock >= asked.quantity_of_all";

changeSource("the stock condition", {
  concerns: ({ text }) => text.includes("INSERT INTO reservations") && text.includes(condition),
  run: ({ text, values }, send) => send(text.replace(condition, "true"), values),
});
