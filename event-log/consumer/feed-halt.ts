import type { EventEnvelope } from "../../core/contract.ts";
import type { Cursor } from "./event-cursor.ts";

/** Why a feed is halted. The reasons are also label values of metrics. */
export type FeedHalt =
  /** The event after the cursor has a type or version that this node does not know. */
  | { reason: "unknown_type"; position: number; event: EventEnvelope }
  /** The producer's database was set back: it has lost events up to the cursor's `position`. */
  | { reason: "set_back"; position: number; head: number };

/** Returns false if an event is not the one after the event with this id. Unknown ids fit. */
export function follows({ previousId }: EventEnvelope, id: string | null): boolean {
  return id === null || previousId === undefined || previousId === id;
}

/** Returns true if the log is not the one that the cursor belongs to. The page follows the cursor. */
export function isSetBack(
  { position, eventId }: Cursor,
  { head, previousId }: { head: number; previousId: string | null },
): boolean {
  // A producer of an older version sends no `previousId`.
  const id = previousId as string | null | undefined;
  return head < position || (eventId !== null && typeof id === "string" && id !== eventId);
}

/** Describes a halt for the log, with what the operator has to do. */
export function describeHalt(halt: FeedHalt, consumer: string, producer: string): string {
  if (halt.reason === "unknown_type") {
    const { type, version } = halt.event;
    return (
      `${consumer} does not know ${type} version ${version}, position ${halt.position} of ${producer}. ` +
      `Its events of ${producer} wait for a node that knows it: upgrade ${consumer}.`
    );
  }
  return (
    `The database of ${producer} was set back: ${consumer} has applied events up to position ` +
    `${halt.position} that ${producer} no longer has. ${consumer} applies no events of ${producer} ` +
    `until an operator calls ${consumer}.reconcile.`
  );
}
