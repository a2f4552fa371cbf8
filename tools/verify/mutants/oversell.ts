import { mutateStatements } from "./mutate-statements.ts";

/** Reserves stock without checking that there is enough. */
const condition = "p.stock >= asked.quantity_of_all";

mutateStatements("the stock condition", {
  concerns: ({ text }) => text.includes("INSERT INTO reservations") && text.includes(condition),
  run: ({ text, values }, send) => send(text.replace(condition, "true"), values),
});
