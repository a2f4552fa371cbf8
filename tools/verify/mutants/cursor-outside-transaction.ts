import { mutateStatements, rollBack } from "./mutate-statements.ts";

/** Moves the cursor on a second connection, so that it stays moved if the effect rolls back. */
const sale = "SET state = 'SOLD'";
/** Every third commit of a sale fails. */
const failureInterval = 3;
let commits = 0;

mutateStatements("the lock of the cursor", {
  concerns: ({ text }) => /FROM event_cursors\b[^;]*FOR UPDATE/.test(text),
  run: ({ text, values }, send) => send(text.replace("FOR UPDATE", ""), values),
});
mutateStatements("the update of the cursor", {
  concerns: ({ text, earlier }) =>
    text.includes("UPDATE event_cursors") && earlier.some((statement) => statement.includes(sale)),
  run: ({ text, values }, _send, aside) => aside(text, values),
});
mutateStatements("the failing commits", {
  concerns: ({ text, earlier }) =>
    text.startsWith("COMMIT") && earlier.some((statement) => statement.includes(sale)),
  async run({ text }, send) {
    commits += 1;
    return commits % failureInterval === 0 ? rollBack(send) : send(text);
  },
});
