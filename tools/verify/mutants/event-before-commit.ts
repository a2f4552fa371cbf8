import { mutateStatements, rollBack } from "./mutate-statements.ts";

/** Writes the event of a sale on a second connection, so that readers see it before the sale commits. */
const sale = "SET state = 'SOLD'";
/** Every third commit of a sale fails. */
const failureInterval = 3;
let commits = 0;

mutateStatements("the log entry", {
  concerns: ({ text, earlier }) =>
    text.includes("append_events") && earlier.some((statement) => statement.includes(sale)),
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
