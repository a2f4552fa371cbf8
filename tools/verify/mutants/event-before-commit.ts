import { failCommits, mutateStatements } from "./mutate-statements.ts";

/** Writes the event of a sale on a second connection, so that readers see it before the sale commits. */
const sale = "SET state = 'SOLD'";

mutateStatements("the log entry", {
  concerns: ({ text, earlier }) =>
    text.includes("append_events") && earlier.some((statement) => statement.includes(sale)),
  run: ({ text, values }, _send, aside) => aside(text, values),
});
failCommits(sale);
