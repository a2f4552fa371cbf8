import type { Sender } from "../../core/access.ts";
import type { commonAuditActions } from "../../core/audit.ts";
import type { EventEnvelope } from "../../core/contract.ts";
import { invalidField, isRetryable } from "../../core/errors.ts";
import type { RedrivenDeadLetters } from "../../core/events/event-progress.ts";
import { recordAudit } from "../../database/audit-trail.ts";
import type { Query } from "../../database/statements/prepared-statements.ts";
import { takeDeadLetter } from "./dead-letters.ts";
import type { RunTransaction } from "../consumer/event-cursor.ts";
import type { EventHandlers } from "../consumer/event-handlers.ts";
import { PermanentEventFailure } from "./permanent-failure.ts";

/** Shorter than the timeout of a call. */
const redriveForMs = 2_500;
const maxRedriven = 1_000;

/**
 * Applies a dead letter, and deletes it. Returns its event; undefined if there is no dead letter with
 * this id.
 */
export async function redriveDeadLetter(
  transaction: RunTransaction,
  handlersOf: (producer: string) => EventHandlers | undefined,
  id: string,
): Promise<EventEnvelope | undefined> {
  // If the event fails again, the rollback keeps it a dead letter.
  return transaction(async (work) => {
    const event = await takeDeadLetter(work, id);
    if (event === undefined) return undefined;
    const handlers = handlersOf(event.producer);
    if (handlers === undefined) throw stillFails(`the producer ${event.producer} is unknown`);
    const violation = handlers.violationOf(event);
    if (violation !== undefined) throw stillFails(violation);
    try {
      await handlers.redrive(event, work);
    } catch (error) {
      throw error instanceof PermanentEventFailure ? stillFails(error.message) : error;
    }
    return event;
  });
}

function stillFails(reason: string) {
  const message = `The event still fails: ${reason.replace(/\.$/, "")}.`;
  return invalidField("id", message);
}

/**
 * Redrives the dead letters one by one, in the order of their producers' logs, because a later event
 * can depend on an earlier one. Stops in time to answer the call.
 */
export async function redriveDeadLetters(
  query: Query,
  redrive: (id: string) => Promise<{ redriven: boolean }>,
): Promise<RedrivenDeadLetters> {
  const begunMs = performance.now();
  const rows = await query<{ id: string }>(
    "SELECT id FROM dead_letters ORDER BY producer, position LIMIT $1",
    [maxRedriven + 1],
  );
  let [redriven, failed, tried] = [0, 0, 0];
  for (const { id } of rows.slice(0, maxRedriven)) {
    if (performance.now() - begunMs > redriveForMs) break;
    tried += 1;
    try {
      if ((await redrive(id)).redriven) redriven += 1;
    } catch (error) {
      // The event breaks its contract, or its handler fails again. Without the database, all fail.
      if (isRetryable(error)) throw error;
      failed += 1;
    }
  }
  return { redriven, failed, more: tried < rows.length };
}

/**
 * Deletes a dead letter, so that its event is never applied. Returns the event; undefined if there is
 * no dead letter with this id.
 */
export async function discardDeadLetter(
  transaction: RunTransaction,
  id: string,
  { sender, hasAuditTrail }: { sender: Sender; hasAuditTrail: boolean },
): Promise<EventEnvelope | undefined> {
  return transaction(async (work) => {
    const event = await takeDeadLetter(work, id);
    if (event === undefined || !hasAuditTrail) return event;
    const { type, producer, position } = event;
    await recordAudit<keyof typeof commonAuditActions>(work.query, {
      action: "DEAD_LETTER_DISCARDED",
      sender,
      detail: { event: id, type, producer, position },
    });
    return event;
  });
}
