import type { Sender } from "../../core/access.ts";
import type { commonAuditActions } from "../../core/audit.ts";
import type { EventEnvelope } from "../../core/contract.ts";
import { invalidField } from "../../core/errors.ts";
import { recordAudit } from "../../database/audit-trail.ts";
import { takeDeadLetter } from "./dead-letters.ts";
import type { RunTransaction } from "../consumer/event-cursor.ts";
import type { EventHandlers } from "../consumer/event-handlers.ts";
import { PermanentEventFailure } from "./permanent-failure.ts";

/** Returns the event of the dead letter that was applied; undefined if there is none with this id. */
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
