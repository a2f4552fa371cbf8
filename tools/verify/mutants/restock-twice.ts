import { mutateStatements } from "./mutate-statements.ts";

/** Restocks a cancelled order again, and twice each time. */
const condition = "r.state <> 'CANCELLED'";

mutateStatements("the state condition", {
  concerns: ({ text }) => text.includes("SET state = 'CANCELLED'") && text.includes(condition),
  run: ({ text, values }, send) => send(text.replace(condition, "true"), values),
});
mutateStatements("the restock rows", {
  concerns: ({ text }) => /INSERT INTO stock_changes\b[^;]*'RETURNED'/.test(text),
  async run({ text, values }, send) {
    await send(text, values);
    return send(text, values);
  },
});
