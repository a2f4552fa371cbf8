import type { Send } from "../preload/intercept.ts";
import { mutateStatements } from "./mutate-statements.ts";

/** Writes the record of an idempotency key after the commit of its effect. */
const claims = new WeakMap<readonly string[], unknown[]>();
const answers = new WeakMap<readonly string[], unknown>();
/** The process dies once between the two commits; the process that replaces it does not. */
const fatalCommit = 4;
let commits = 0;

mutateStatements("the claim", {
  // An order claims its key in the statement that writes the order.
  concerns: ({ text }) =>
    text.includes("INSERT INTO idempotency_keys AS kept") && !text.includes("INSERT INTO orders"),
  run({ values = [], earlier }, send) {
    claims.set(earlier, values);
    return send("SELECT $1::bytea AS id", [values[0]]);
  },
});
mutateStatements("the answer", {
  concerns: ({ text }) => text.includes("UPDATE idempotency_keys SET answer"),
  run({ values = [], earlier }, send) {
    answers.set(earlier, values[1]);
    return send("SELECT");
  },
});
mutateStatements("the commit", {
  concerns: ({ text, earlier }) => text.startsWith("COMMIT") && answers.has(earlier),
  async run({ text, earlier }, send, aside) {
    const committed = await send(text);
    if (earlier.some((statement) => statement.includes("UPDATE products SET stock = stock +")))
      commits += 1;
    if (commits === fatalCommit && (await isFirstDeath(aside)))
      process.kill(process.pid, "SIGKILL");
    await aside(
      `INSERT INTO idempotency_keys (id, fingerprint, subject, answer) VALUES ($1, $2, $3, $4)
       ON CONFLICT (id) DO UPDATE SET answer = excluded.answer`,
      [...(claims.get(earlier)?.slice(0, 3) ?? []), answers.get(earlier)],
    );
    return committed;
  },
});

/** True for the first caller; a table remembers it for the next process. */
async function isFirstDeath(aside: Send): Promise<boolean> {
  const { rows } = await aside("SELECT to_regclass('died') AS died");
  const [{ died } = { died: null }] = rows as { died: string | null }[];
  if (died === null) await aside("CREATE TABLE died ()");
  return died === null;
}
