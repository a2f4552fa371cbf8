import { failCommits, mutateStatements } from "./mutate-statements.ts";

/** Moves the cursor on a second connection, so that it stays moved if the effect rolls back. */
mutateStatements("the move of the cursor", {
  concerns: ({ text }) => text.includes("UPDATE event_cursors") && text.includes("event_batches"),
  run: ({ text, values }, _send, aside) => aside(text, values),
});
failCommits("SET state = 'SOLD'");
