import { failCommits, mutateStatements } from "./mutate-statements.ts";

/** Moves the cursor on a second connection, so that it stays moved if the effect rolls back. */
const sale = "SET state = 'SOLD'";

mutateStatements("the lock of the cursor", {
  concerns: ({ text }) => /FROM event_cursors\b[^;]*FOR UPDATE/.test(text),
  run: ({ text, values }, send) => send(text.replace("FOR UPDATE", ""), values),
});
mutateStatements("the update of the cursor", {
  concerns: ({ text, earlier }) =>
    text.includes("UPDATE event_cursors") && earlier.some((statement) => statement.includes(sale)),
  run: ({ text, values }, _send, aside) => aside(text, values),
});
failCommits(sale);
