import type { ConsumerTables, LogTables } from "../../snapshot.ts";
import { checkCrossings, isCrossing } from "./check-crossings.ts";
import { eventText } from "./event-text.ts";
import type { Evidence } from "../evidence.ts";
import { expectedEvents } from "./expected-events.ts";
import { Findings } from "../findings.ts";

/** The consumers of each log. */
const readers = [
  { consumer: "products", producer: "orders" },
  { consumer: "products", producer: "users" },
  { consumer: "orders", producer: "products" },
  { consumer: "orders", producer: "users" },
] as const;

const services = ["users", "products", "orders"] as const;

/**
 * Checks invariant 4: every committed event reaches every consumer in the order of its producer, with
 * its effect applied exactly once. No event of a rolled-back transaction is seen.
 */
export function checkEvents(evidence: Evidence): Findings {
  const findings = new Findings(4);
  for (const service of services) checkLog(service, evidence.snapshot[service], findings);
  checkCompleteness(evidence, findings);
  checkCrossings(evidence, findings);
  for (const { consumer, producer } of readers) {
    checkReader(consumer, producer, evidence, findings);
  }
  checkEffects(evidence, findings);
  checkSeen(evidence, findings);
  return findings;
}

/** The positions of a log have no gaps, and end at the head. */
function checkLog(service: string, log: LogTables, findings: Findings): void {
  const [head] = log.event_log_head;
  const prunedTo = head?.pruned_to ?? 0;
  findings.count("events in logs", log.event_log.length);
  const positions = log.event_log.map(({ position }) => position).sort((a, b) => a - b);
  const wrong = positions.findIndex((position, index) => position !== prunedTo + index + 1);
  findings.expect(
    wrong < 0,
    "the positions of a log have no gaps",
    `the position ${prunedTo + wrong + 1}`,
    () => ({ log: service, before: positions[wrong - 1] ?? null, found: positions[wrong] }),
  );
  const last = positions.at(-1) ?? prunedTo;
  findings.expect(
    head?.position === last,
    "the head of a log is its last position",
    `a head of ${last}`,
    () => ({ log: service, head: head ?? null }),
  );
}

/** Each log holds exactly the events that the tables imply, each once, beside crossings. */
function checkCompleteness(evidence: Evidence, findings: Findings): void {
  for (const service of services) {
    const expected = Map.groupBy(expectedEvents(service, evidence), (text) => text);
    const implied = evidence.snapshot[service].event_log.filter((event) => !isCrossing(event));
    const found = Map.groupBy(implied, ({ type, data }) => eventText(type, data));
    for (const text of new Set([...expected.keys(), ...found.keys()])) {
      const expectedCount = expected.get(text)?.length ?? 0;
      const entries = found.get(text) ?? [];
      findings.expect(
        entries.length === expectedCount,
        entries.length < expectedCount
          ? "a committed change is in the log"
          : "the log holds only committed changes, each once",
        `${expectedCount} of: ${text}`,
        () => ({ log: service, entries: entries.slice(0, 3) }),
      );
    }
  }
}

/** The cursor is at the head, and the applied batches cover each position once and in order. */
function checkReader(
  consumer: "products" | "orders",
  producer: "users" | "products" | "orders",
  { snapshot }: Evidence,
  findings: Findings,
): void {
  const tables: ConsumerTables = snapshot[consumer];
  const head = snapshot[producer].event_log_head[0]?.position ?? 0;
  const cursor = tables.event_cursors.find((row) => row.producer === producer)?.position;
  const labels = { consumer, producer };
  findings.expect(
    cursor === head,
    "a consumer has read the whole log of its producer",
    `a cursor at ${head}`,
    () => ({ ...labels, cursor: cursor ?? null }),
  );
  const batches = tables.event_batches
    .filter((row) => row.producer === producer)
    .sort((a, b) => a.first_position - b.first_position);
  findings.count("batches applied", batches.length);
  let next = 1;
  let previousAt = "";
  for (const batch of batches) {
    const expected = next;
    findings.expect(
      batch.first_position === expected,
      batch.first_position > expected ? "no event is skipped" : "no event is applied twice",
      `a batch that begins at ${expected}`,
      () => ({ ...labels, batch }),
    );
    findings.expect(
      batch.applied_at >= previousAt,
      "events are applied in the order of their positions",
      `a time after ${previousAt}`,
      () => ({ ...labels, batch }),
    );
    next = batch.last_position + 1;
    previousAt = batch.applied_at;
  }
  findings.expect(
    next === head + 1,
    "every event is in one of the batches",
    `batches up to ${head}`,
    () => ({ ...labels, last: batches.at(-1) ?? null }),
  );
  const deadLetters = tables.dead_letters.filter((row) => row.producer === producer);
  findings.expect(
    deadLetters.length === 0,
    "no event becomes a dead letter",
    "no dead letters",
    () => ({
      ...labels,
      deadLetters: deadLetters.slice(0, 3),
    }),
  );
}

/** Each event before the cursor has had its effect. */
function checkEffects({ snapshot, ledgerOfOrder }: Evidence, findings: Findings): void {
  const cursor =
    snapshot.products.event_cursors.find(({ producer }) => producer === "orders")?.position ?? 0;
  const reasons = new Map([
    ["order.placed", "SOLD"],
    ["order.cancelled", "RETURNED"],
  ]);
  for (const event of snapshot.orders.event_log) {
    const reason = reasons.get(event.type);
    if (reason === undefined || event.position > cursor) continue;
    findings.count("effects on the stock", 1);
    const ledger = ledgerOfOrder(String(event.data.order_id));
    findings.expect(
      ledger.some((row) => row.reason === reason),
      "a consumed event had its effect",
      `rows ${reason} in the ledger`,
      () => ({ event, cursor, ledger }),
    );
  }
}

/** Each event that was seen on its way to NATS is in the log, at its position. */
function checkSeen({ history, snapshot }: Evidence, findings: Findings): void {
  const logs = new Map(
    services.map((service) => [
      service as string,
      new Map(snapshot[service].event_log.map((event) => [event.id, event])),
    ]),
  );
  for (const seen of history) {
    if (seen.line !== "event") continue;
    findings.count("events seen on the way to NATS", 1);
    const entry = logs.get(seen.producer)?.get(seen.id);
    findings.expect(
      entry?.position === seen.position && entry.type === seen.type,
      "no event of a rolled-back transaction is seen",
      "the same event in its producer's log",
      () => ({ seen, entry: entry ?? null }),
    );
  }
}
