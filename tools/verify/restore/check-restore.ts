import type { Service } from "../snapshot.ts";
import { Findings } from "../check/findings.ts";

/** An event at its position. */
export interface PlacedEvent {
  position: number;
  id: string;
}

/** What a consumer of the restored service showed before it continued. */
export interface HaltEvidence {
  consumer: Service;
  /** The applied events when the halt was first seen, and at the end of the load. */
  appliedAtHalt: PlacedEvent[];
  appliedAtEnd: PlacedEvent[];
  /** The restored log at the end of the load. */
  log: PlacedEvent[];
  /** The answer of `reconcile` at that time. */
  reconciled: { halt: string | null; lost: number | null; notApplied: number | null };
  /** A node of the consumer has logged the error. */
  isLogged: boolean;
}

/** What a consumer has applied of a log at the end of the run. */
export interface FeedEvidence {
  consumer: Service;
  producer: Service;
  applied: PlacedEvent[];
  log: PlacedEvent[];
  deadLetters: { id: string; reason: string }[];
}

/** The evidence of a run in which the database of one service was restored from a backup. */
export interface RestoreEvidence {
  restored: Service;
  halts: HaltEvidence[];
  feeds: FeedEvidence[];
  /** What became of the dead letters of products, and what its audit has found then. */
  repair: { redriven: number; rejections: string[]; differences: number; deadLetters: number };
}

/** Why an event can fail whose effect needs rows that the restored database has lost. */
const expectedReason = "nothing was reserved for order";

/** Why an order cannot be served: the restore has lost a product, or its stock was sold again. */
const expectedRejections = new Set(["OUT_OF_STOCK", "PRODUCT_NOT_FOUND"]);

/**
 * Checks that the feeds of a restored service halt and report, what they apply afterwards, and that
 * the dead letters can be repaired.
 */
export function checkRestore({ restored, halts, feeds, repair }: RestoreEvidence): Findings {
  const findings = new Findings(4);
  for (const halt of halts) checkHalt(restored, halt, findings);
  for (const feed of feeds) checkFeed(restored, feed, findings);
  findings.count("redriven dead letters", repair.redriven);
  findings.expect(
    repair.rejections.every((code) => expectedRejections.has(code)) &&
      repair.deadLetters === repair.rejections.length &&
      repair.differences === 0,
    "redrive takes the stock of lost reservations, and the books balance",
    "no difference, and only dead letters of orders that cannot be served",
    () => ({ ...repair }),
  );
  return findings;
}

function checkHalt(producer: Service, halt: HaltEvidence, findings: Findings): void {
  const { consumer, appliedAtHalt, appliedAtEnd, log, reconciled, isLogged } = halt;
  const labels = { consumer, producer };
  const [inLog, inApplied] = [idsOf(log), idsOf(appliedAtEnd)];
  const lost = appliedAtEnd.filter(({ id }) => !inLog.has(id));
  const notApplied = log.filter(({ id }) => !inApplied.has(id));
  findings.count("halted feeds", 1);
  findings.count("lost events", lost.length);
  findings.expect(
    lost.length > 0 && notApplied.length > 0,
    "the restore loses applied events, and new events follow",
    "at least one of each",
    () => ({ ...labels, lost: lost.length, notApplied: notApplied.length }),
  );
  findings.expect(
    reconciled.halt === "set_back" && isLogged,
    "a consumer of a restored service halts and reports it",
    "the halt set_back and an error in the log of a node",
    () => ({ ...labels, reconciled, isLogged }),
  );
  findings.expect(
    appliedAtEnd.length === appliedAtHalt.length,
    "a halted feed applies nothing",
    `${appliedAtHalt.length} applied events`,
    () => ({ ...labels, applied: appliedAtEnd.slice(appliedAtHalt.length) }),
  );
  findings.expect(
    reconciled.lost === lost.length && reconciled.notApplied === notApplied.length,
    "reconcile reports each lost event and each event that was not applied",
    `lost ${lost.length}, not applied ${notApplied.length}`,
    () => ({ ...labels, reconciled }),
  );
}

/** The applied events are those of the log, each once and in order, from the first applied one on. */
function checkFeed(
  restored: Service,
  { consumer, producer, applied, log, deadLetters }: FeedEvidence,
  findings: Findings,
): void {
  const labels = { consumer, producer };
  const first = applied[0]?.position ?? 1;
  const expected = log.filter(({ position }) => position >= first);
  findings.count("events of the logs", expected.length);
  const index = expected.findIndex(({ id }, place) => applied[place]?.id !== id);
  findings.expect(
    index === -1 && applied.length === expected.length,
    "after reconcile, each event of the log is applied once and in order",
    `${expected.length} events`,
    () => ({
      ...labels,
      applied: applied.length,
      expected: expected[index] ?? null,
      found: applied[index === -1 ? expected.length : index] ?? null,
    }),
  );
  const unexpected = deadLetters.filter(
    ({ reason }) => consumer !== restored || !reason.includes(expectedReason),
  );
  findings.expect(
    unexpected.length === 0,
    "only an event that needs lost rows becomes a dead letter",
    "no other dead letters",
    () => ({ ...labels, deadLetters: unexpected.slice(0, 3) }),
  );
}

function idsOf(events: readonly PlacedEvent[]): Set<string> {
  return new Set(events.map(({ id }) => id));
}
