import type { Send } from "../preload/intercept.ts";
import { changeSource } from "./change-source.ts";

/** What is known of a key is written after the commit of its effect, on its own. */
const claims = new WeakMap<readonly string[], unknown[]>();
const answers = new WeakMap<readonly string[], unknown>();
/** The process dies between the two, once: the one that is started for it lives. */
const diesAt = 4;
let commits = 0;

changeSource("the claim", {
  // Orders claim theirs in the statement that writes them.
  concerns: ({ text }) =>
    text.includes("INSERT INTO idempotency_keys AS kept") && !text.includes("INSERT INTO orders"),
  run({ values = [], earlier }, send) {
    claims.set(earlier, values);
    return send("SELECT $1::bytea AS id", [values[0]]);
  },
});
changeSource("the answer", {
  concerns: ({ text }) => text.includes("UPDATE idempotency_keys SET answer"),
  run({ values = [], earlier }, send) {
    answers.set(earlier, values[1]);
    return send("SELECT");
  },
});
changeSource("the commit", {
  concerns: ({ text, earlier }) => text.startsWith("COMMIT") && answers.has(earlier),
  async run({ text, earlier }, send, aside) {
    const committed = await send(text);
    if (earlier.some((statement) => statement.includes("UPDATE products SET stock = stock +")))
      commits += 1;
    if (commits === diesAt && (await isFirstLife(aside))) process.kill(process.pid, "SIGKILL");
    await aside(
      `INSERT INTO idempotency_keys (id, fingerprint, subject, answer) VALUES ($1, $2, $3, $4)
       ON CONFLICT (id) DO UPDATE SET answer = excluded.answer`,
      [...(claims.get(earlier)?.slice(0, 3) ?? []), answers.get(earlier)],
    );
    return committed;
  },
});

/** The first to ask; the database remembers it. */
async function isFirstLife(aside: Send): Promise<boolean> {
  const { rows } = await aside("SELECT to_regclass('died') AS died");
  const [{ died } = { died: null }] = rows as { died: string | null }[];
  if (died === null) await aside("CREATE TABLE died ()");
  return died === null;
}
