import { mutateStatements } from "./mutate-statements.ts";

/** Lets a cancellation see a shipped order as placed, and gives its step a free number. */
const cancellable = "SELECT status, placed_at";
const shippedAsPlaced =
  "SELECT CASE status WHEN 'SHIPPED' THEN 'PLACED' ELSE status END AS status, placed_at";

mutateStatements("the status of a shipped order", {
  concerns: ({ text }) => text.startsWith(cancellable),
  run: ({ text, values }, send) => send(text.replace(cancellable, shippedAsPlaced), values),
});
mutateStatements("the step of the cancellation", {
  concerns: ({ text, values }) =>
    text.includes("INSERT INTO order_history") && values?.[2] === "CANCELLED",
  run: ({ text, values = [] }, send) => send(text, values.with(1, 4)),
});
