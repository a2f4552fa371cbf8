import { mutateStatements } from "./mutate-statements.ts";

/** Updates a product whose version is no longer the one that the caller has read. */
const condition = "WHERE id = $1 AND version = $2 AND archived_at IS NULL";
const anyVersion = "WHERE id = $1 AND $2::integer IS NOT NULL AND archived_at IS NULL";

mutateStatements("the condition for the version", {
  concerns: ({ text }) => text.includes("INSERT INTO former_prices") && text.includes(condition),
  run: ({ text, values }, send) => send(text.replace(condition, anyVersion), values),
});
