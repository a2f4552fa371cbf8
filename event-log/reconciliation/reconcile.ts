import type { EventEnvelope } from "../../core/contract.ts";
import { invalidField } from "../../core/errors.ts";
import { storeDeadLetter } from "../dead-letters/dead-letters.ts";
import {
  lockCursor,
  moveCursor,
  type Cursor,
  type RunTransaction,
} from "../consumer/event-cursor.ts";
import type { LogPage } from "../event-log-reading.ts";
import { isSetBack, type FeedHalt } from "../consumer/feed-halt.ts";
import {
  appliedAfter,
  appliedEventId,
  listReconciliations,
  recordReconciliation,
  resetCursor,
  type Continuation,
  type LostEvent,
  type ReconciliationEntry,
} from "./reconciliations.ts";

/** The difference between what a consumer has applied and the log of its producer. */
export interface Reconciliation {
  producer: string;
  /** Why the feed is halted; null if it is not. */
  halt: FeedHalt["reason"] | null;
  /** The cursor of the consumer. */
  position: number;
  head: number;
  /** The position of the last event that both services have; null if its id was not stored. */
  lastCommon: number | null;
  /** The number of applied events that the producer no longer has. */
  lost: number | null;
  /** The oldest 1,000 of them. */
  lostEvents: LostEvent[];
  /** The number of events of the producer that were not applied. */
  notApplied: number | null;
  /** The next event, if this node does not know its type or version. */
  unknown: Pick<EventEnvelope, "id" | "type" | "version" | "position"> | null;
  /** The position after which the feed continues; null if this call has changed nothing. */
  continuesAfter: number | null;
  /** Earlier calls that have moved the cursor, newest first. */
  earlier: ReconciliationEntry[];
}

interface ReconcileParts {
  transaction: RunTransaction;
  /** Reads the log of the producer; undefined if the producer is unavailable. */
  readLog: (position: number) => Promise<LogPage | undefined>;
  knows: (event: EventEnvelope) => boolean;
  /** Called if an event became a dead letter. */
  onDeadLetter: (event: EventEnvelope, reason: string) => void;
  /** This node, and the node that sent the call. */
  node: string;
  caller: string | null;
}

/**
 * Compares the applied events with the log of the producer. With `continueFrom`, moves the cursor of
 * a halted feed:
 * - `common`: to the last common event, so that all events behind it are applied;
 * - `head`: to the head, so that no event of the present log is applied;
 * - `next`: past an unknown event, which becomes a dead letter.
 *
 * Throws BAD_USER_INPUT if that is not possible.
 */
export async function reconcile(
  parts: ReconcileParts,
  producer: string,
  continueFrom: Continuation | undefined,
): Promise<Reconciliation> {
  const difference = await compare(parts, producer);
  const { cursor, head, wasSetBack, common, unknown, lostEvents } = difference;
  let target: Cursor | undefined;
  if (continueFrom !== undefined) {
    target = await targetOf(parts, producer, difference, continueFrom);
    await moveTo(target, parts, producer, difference, continueFrom);
  }
  return {
    producer,
    halt: wasSetBack ? "set_back" : unknown ? "unknown_type" : null,
    position: cursor.position,
    head,
    lastCommon: common?.position ?? null,
    lost: common ? cursor.position - common.position : null,
    lostEvents,
    notApplied: common ? head - common.position : null,
    unknown: unknown ? shortened(unknown) : null,
    continuesAfter: target?.position ?? null,
    earlier: await parts.transaction((work) => listReconciliations(work, producer)),
  };
}

interface Difference {
  cursor: Cursor;
  head: number;
  wasSetBack: boolean;
  /** The last event that both services have; null if its id was not stored. */
  common: Cursor | null;
  /** The next event, if this node does not know its type or version. */
  unknown: EventEnvelope | undefined;
  lostEvents: LostEvent[];
}

async function compare(parts: ReconcileParts, producer: string): Promise<Difference> {
  const { transaction, knows } = parts;
  const cursor = await transaction((work) => lockCursor(work, producer));
  const page = await readLogAt(parts, producer, cursor.position);
  const wasSetBack = isSetBack(cursor, page);
  const common = wasSetBack ? await lastCommonEvent(parts, producer, cursor) : cursor;
  const next = page.events.find(({ position }) => position === cursor.position + 1);
  const unknown = !wasSetBack && next !== undefined && !knows(next) ? next : undefined;
  const lostEvents =
    wasSetBack && common !== null
      ? await transaction((work) => appliedAfter(work, producer, common.position))
      : [];
  return { cursor, head: page.head, wasSetBack, common, unknown, lostEvents };
}

/** Returns where the feed continues. Throws BAD_USER_INPUT if it cannot continue from there. */
async function targetOf(
  parts: ReconcileParts,
  producer: string,
  { head, wasSetBack, common, unknown }: Difference,
  from: Continuation,
): Promise<Cursor> {
  if (from === "next") {
    if (unknown !== undefined) return { position: unknown.position, eventId: unknown.id };
    throw impossible("This node knows the next event.");
  }
  if (!wasSetBack) throw impossible(`The database of ${producer} was not set back.`);
  if (from === "head") {
    const { previousId } = await readLogAt(parts, producer, head);
    return { position: head, eventId: previousId };
  }
  if (common !== null) return common;
  throw impossible('The last common event is not known. Use "head", or rebuild the read models.');
}

/** Moves the cursor and records that, unless the cursor has moved since the comparison. */
async function moveTo(
  to: Cursor,
  { transaction, onDeadLetter, node, caller }: ReconcileParts,
  producer: string,
  { cursor, head, common, unknown }: Difference,
  continueFrom: Continuation,
): Promise<void> {
  await transaction(async (work) => {
    const { position, eventId } = await lockCursor(work, producer);
    if (position !== cursor.position || eventId !== cursor.eventId) {
      throw impossible("The cursor has moved meanwhile. Try again.");
    }
    const lastCommon = common?.position ?? null;
    const entry = { producer, continueFrom, from: cursor, to, head, lastCommon, node: caller };
    await recordReconciliation(work, entry);
    if (unknown === undefined) {
      await resetCursor(work, producer, to);
      return;
    }
    const reason = `version ${unknown.version} of ${unknown.type} is unknown`;
    await storeDeadLetter(work, unknown, reason, onDeadLetter);
    await moveCursor(work, producer, cursor, [unknown], node);
  });
}

/** Throws BAD_USER_INPUT if the producer is unavailable. */
async function readLogAt(
  { readLog }: ReconcileParts,
  producer: string,
  position: number,
): Promise<LogPage> {
  const page = await readLog(position);
  if (page !== undefined) return page;
  throw invalidField("producer", `${producer} is unavailable. Try again when it is running.`);
}

function impossible(message: string) {
  return invalidField("continueFrom", message);
}

function shortened({ id, type, version, position }: EventEnvelope) {
  return { id, type, version, position };
}

/**
 * Finds the last event that the consumer has applied and the producer still has, by bisection: both
 * logs are equal up to it, and have no event in common behind it. Returns null if the consumer has
 * not stored its id, because a node of an older version has applied it.
 */
async function lastCommonEvent(
  parts: ReconcileParts,
  producer: string,
  cursor: Cursor,
): Promise<Cursor | null> {
  let found: Cursor | null = { position: 0, eventId: null };
  let low = 0;
  let high = Math.min(cursor.position, (await readLogAt(parts, producer, cursor.position)).head);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const here = await parts.transaction((work) => appliedEventId(work, producer, middle));
    const { previousId: there, prunedTo } = await readLogAt(parts, producer, middle);
    // Pruned events were applied. Events without an id are older than those with one.
    const isCommon = middle <= prunedTo || here === undefined || here === there;
    if (!isCommon) {
      high = middle - 1;
      continue;
    }
    low = middle;
    const isKnown = middle <= prunedTo || here !== undefined;
    found = isKnown ? { position: middle, eventId: there } : null;
  }
  return found;
}
