import type { Query } from "../../../database/statements/prepared-statements.ts";
import type { DeliveryState } from "../webhooks.contract.ts";
import type { ClaimedDelivery } from "./claim-deliveries.ts";
import type { EndpointAnswer } from "./send-webhook.ts";

/**
 * Stores the result of an attempt and releases the lane. A node that has lost its claim, because it
 * had paused, does not release the claim of another one. The first pending delivery of the lane is
 * tried after the pause, or at once if somebody has redriven it or changed the URL during the attempt.
 */
export async function finishAttempt(
  query: Query,
  { id, claim, webhook_id, entity_id, url }: ClaimedDelivery,
  { status, error, durationMs }: EndpointAnswer,
  { state, pauseMs }: { state: DeliveryState; pauseMs: number },
): Promise<void> {
  await query(
    `WITH tried AS (
       UPDATE deliveries SET state = $2, attempts = attempts + 1, last_status = $3, last_error = $4,
         duration_ms = $5,
         finished_at = CASE WHEN $2 <> 'PENDING' THEN now() END,
         data = CASE WHEN $2 <> 'DELIVERED' THEN data END
       WHERE id = $1 AND state = 'PENDING' RETURNING state
     )
     UPDATE delivery_lanes SET
       pending = pending - (SELECT count(*) FROM tried WHERE state <> 'PENDING'),
       due_at = CASE WHEN claim IS DISTINCT FROM $6 THEN due_at
                WHEN redriven OR EXISTS (SELECT FROM webhooks WHERE id = $8 AND url <> $10) THEN now()
                ELSE clock_timestamp() + $7 * interval '1 millisecond' END,
       claim = nullif(claim, $6)
     WHERE webhook_id = $8 AND entity_id = $9`,
    [id, state, status, error, durationMs, claim, pauseMs, webhook_id, entity_id, url],
  );
}
