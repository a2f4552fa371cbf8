import { setTimeout as sleep } from "node:timers/promises";
import type { Databases } from "./cluster/databases.ts";

/** Whoever runs SQL for us. */
type Queries = Pick<Databases, "query">;

const everyMs = 150;

/** Says what of the shop has not come to rest yet. */
async function unrest(databases: Queries): Promise<string[]> {
  const found: string[] = [];
  const heads = new Map<string, number>();
  for (const service of ["users", "products", "orders"] as const) {
    const sql = "SELECT position::int AS head FROM event_log_head";
    const [log] = await databases.query<{ head: number }>(service, sql);
    heads.set(service, log?.head ?? 0);
  }
  for (const consumer of ["products", "orders"] as const) {
    const cursors = await databases.query<{ producer: string; position: number }>(
      consumer,
      "SELECT producer, position::int FROM event_cursors",
    );
    const others = consumer === "products" ? ["users", "orders"] : ["users", "products"];
    for (const producer of others) {
      const position = cursors.find((cursor) => cursor.producer === producer)?.position ?? 0;
      const behind = (heads.get(producer) ?? 0) - position;
      if (behind !== 0) found.push(`${consumer} is ${behind} events behind ${producer}`);
    }
  }
  const [held] = await databases.query<{ held: number }>(
    "products",
    "SELECT count(*)::int AS held FROM reservations WHERE state = 'HELD'",
  );
  if (held === undefined || held.held > 0) found.push(`${held?.held ?? 0} reservations held`);
  return found;
}

/** Waits until the shop has come to rest. Gives what has not within this time. */
export async function waitForQuiescence(databases: Queries, withinMs: number): Promise<string[]> {
  const deadline = performance.now() + withinMs;
  // Its databases are looked at one after the other: something may be on its way between them.
  let quietLooks = 0;
  for (;;) {
    const found = await unrest(databases).catch((error: unknown) => [String(error)]);
    quietLooks = found.length === 0 ? quietLooks + 1 : 0;
    if (quietLooks === 2 || performance.now() > deadline) return found;
    await sleep(everyMs);
  }
}
