import { setTimeout as sleep } from "node:timers/promises";
import type { Databases } from "./cluster/databases.ts";

type Queries = Pick<Databases, "query">;

/** Each poll opens eight connections. */
const intervalMs = 300;

/** The producers of each consumer. */
const producersOf = {
  products: ["users", "orders"],
  orders: ["users", "products"],
  webhooks: ["users", "products", "orders"],
} as const;

/** Lists the work that is left: events not consumed, reservations still held. */
async function pendingWork(databases: Queries): Promise<string[]> {
  const pending: string[] = [];
  const heads = new Map<string, number>();
  for (const service of ["users", "products", "orders"] as const) {
    const sql = "SELECT position::int AS head FROM event_log_head";
    const [log] = await databases.query<{ head: number }>(service, sql);
    heads.set(service, log?.head ?? 0);
  }
  for (const consumer of ["products", "orders", "webhooks"] as const) {
    const cursors = await databases.query<{ producer: string; position: number }>(
      consumer,
      "SELECT producer, position::int FROM event_cursors",
    );
    for (const producer of producersOf[consumer]) {
      const position = cursors.find((cursor) => cursor.producer === producer)?.position ?? 0;
      const behind = (heads.get(producer) ?? 0) - position;
      if (behind !== 0) pending.push(`${consumer} is ${behind} events behind ${producer}`);
    }
  }
  const [held] = await databases.query<{ held: number }>(
    "products",
    "SELECT count(*)::int AS held FROM reservations WHERE state = 'HELD'",
  );
  if (held === undefined || held.held > 0) pending.push(`${held?.held ?? 0} reservations held`);
  const [undelivered] = await databases.query<{ webhooks: number }>(
    "webhooks",
    "SELECT coalesce(sum(pending), 0)::int AS webhooks FROM delivery_lanes",
  );
  if (undelivered === undefined || undelivered.webhooks > 0) {
    pending.push(`${undelivered?.webhooks ?? 0} webhooks to deliver`);
  }
  return pending;
}

/** Waits for quiescence: no work left in the system. Returns the work that is left at the deadline. */
export async function waitForQuiescence(databases: Queries, timeoutMs: number): Promise<string[]> {
  const deadline = performance.now() + timeoutMs;
  // One empty result is not enough: the databases are read one after the other, and an event may be
  // on its way between them.
  let emptyResults = 0;
  for (;;) {
    const pending = await pendingWork(databases).catch((error: unknown) => [String(error)]);
    emptyResults = pending.length === 0 ? emptyResults + 1 : 0;
    if (emptyResults === 2 || performance.now() > deadline) return pending;
    await sleep(intervalMs);
  }
}
