import { randomUUID } from "node:crypto";
import type { Query } from "../../../database/statements/prepared-statements.ts";

/** The first pending delivery of a lane, claimed by this node. */
export interface ClaimedDelivery extends ClaimedRow {
  /** The same for all deliveries of a call. */
  claim: string;
}

interface ClaimedRow {
  id: string;
  webhook_id: string;
  entity_id: string;
  event_id: string;
  type: string;
  occurred_at: Date;
  /** Of the event; null without one. */
  traceparent: string | null;
  data: unknown;
  attempts: number;
  url: string;
  secret: string;
  /** Null if it no longer signs. */
  former_secret: string | null;
  /** By the clock of the database: endpoints reject a signature whose time is wrong. */
  claimed_at: Date;
  /** The time until the delivery becomes a dead letter; 0 or less for the last attempt. */
  expires_in_ms: number;
}

/**
 * Claims lanes that are due, and returns the first delivery of each. Nodes skip lanes that others
 * lock, so they share the work. If a node dies, its claims end after `leaseMs`.
 *
 * @param slots the maximum number of attempts in progress per webhook, on this node
 * @param busy the number of attempts in progress by webhook, on this node
 */
export async function claimDeliveries(
  query: Query,
  slots: number,
  busy: ReadonlyMap<string, number>,
  leaseMs: number,
): Promise<ClaimedDelivery[]> {
  const claim = randomUUID();
  const rows = await query<ClaimedRow>(
    `WITH free AS (
       SELECT w.id, greatest(0, $1 - coalesce(b.busy, 0)) AS slots FROM webhooks w
       LEFT JOIN unnest($2::uuid[], $3::integer[]) AS b (id, busy) ON b.id = w.id
       WHERE w.enabled AND coalesce(w.paused_until, '-infinity') <= now()
     ), due AS (
       SELECT lane.webhook_id, lane.entity_id FROM free CROSS JOIN LATERAL (
         SELECT webhook_id, entity_id FROM delivery_lanes
         WHERE webhook_id = free.id AND pending > 0 AND due_at <= clock_timestamp()
         ORDER BY due_at LIMIT free.slots FOR NO KEY UPDATE SKIP LOCKED
       ) lane
     ), claimed AS (
       UPDATE delivery_lanes l
       SET claim = $5, due_at = clock_timestamp() + $4 * interval '1 millisecond', redriven = false
       FROM due WHERE l.webhook_id = due.webhook_id AND l.entity_id = due.entity_id
       RETURNING l.webhook_id, l.entity_id
     )
     SELECT d.id, d.webhook_id, d.entity_id, d.event_id, d.type, d.occurred_at,
       d.traceparent, d.data, d.attempts, w.url, w.secret, clock_timestamp() AS claimed_at,
       CASE WHEN w.former_secret_until > now() THEN w.former_secret END AS former_secret,
       (extract(epoch FROM d.retry_until - now()) * 1000)::float8 AS expires_in_ms
     FROM claimed c
     JOIN webhooks w ON w.id = c.webhook_id
     CROSS JOIN LATERAL (
       SELECT * FROM deliveries
       WHERE webhook_id = c.webhook_id AND entity_id = c.entity_id AND state = 'PENDING'
       ORDER BY position LIMIT 1
     ) d`,
    [slots, [...busy.keys()], [...busy.values()], leaseMs, claim],
  );
  return rows.map((row) => ({ ...row, claim }));
}
