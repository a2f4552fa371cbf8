import { mutateStatements } from "./mutate-statements.ts";

/** Stores a failed attempt as a successful one, so that the event is not sent again. */
const stateParameter = 1;

mutateStatements("the state of a failed attempt", {
  concerns: ({ text, values }) =>
    text.includes("UPDATE deliveries SET state") && values?.[stateParameter] === "PENDING",
  run: ({ text, values = [] }, send) => send(text, values.with(stateParameter, "DELIVERED")),
});
