import type { ConsumerTables, LogTables } from "../snapshot.ts";
import { eventText } from "./event-text.ts";
import type { Evidence } from "./evidence.ts";
import { expectedEvents } from "./expected-events.ts";
import { Findings } from "./findings.ts";

/** Who reads whose log. */
const readers = [
  { consumer: "products", producer: "orders" },
  { consumer: "products", producer: "users" },
  { consumer: "orders", producer: "products" },
  { consumer: "orders", producer: "users" },
] as const;

const services = ["users", "products", "orders"] as const;

/**
 * Invariant 4: every event whose transaction committed reaches every consumer, in its producer's
 * order, with its effect applied exactly once; none whose transaction rolled back is ever seen.
 */
export function checkEvents(evidence: Evidence): Findings {
  const findings = new Findings(4);
  for (const service of services) checkLog(service, evidence.snapshot[service], findings);
  checkCompleteness(evidence, findings);
  for (const { consumer, producer } of readers) {
    checkReader(consumer, producer, evidence, findings);
  }
  checkEffects(evidence, findings);
  checkSeen(evidence, findings);
  return findings;
}

/** Positions without gaps, up to the head. */
function checkLog(service: string, log: LogTables, findings: Findings): void {
  const [head] = log.event_log_head;
  const prunedTo = head?.pruned_to ?? 0;
  findings.count("events in logs", log.event_log.length);
  const positions = log.event_log.map(({ position }) => position).sort((a, b) => a - b);
  const wrong = positions.findIndex((position, index) => position !== prunedTo + index + 1);
  findings.expect(
    wrong < 0,
    "positions follow each other without a gap",
    `the position ${prunedTo + wrong + 1}`,
    () => ({ log: service, before: positions[wrong - 1] ?? null, found: positions[wrong] }),
  );
  const last = positions.at(-1) ?? prunedTo;
  findings.expect(
    head?.position === last,
    "a log's head is its last position",
    `a head of ${last}`,
    () => ({ log: service, head: head ?? null }),
  );
}

/** The logs hold what the tables say happened, each once, and nothing else. */
function checkCompleteness(evidence: Evidence, findings: Findings): void {
  for (const service of services) {
    const expected = Map.groupBy(expectedEvents(service, evidence), (text) => text);
    const found = Map.groupBy(evidence.snapshot[service].event_log, ({ type, data }) =>
      eventText(type, data),
    );
    for (const text of new Set([...expected.keys(), ...found.keys()])) {
      const wanted = expected.get(text)?.length ?? 0;
      const entries = found.get(text) ?? [];
      findings.expect(
        entries.length === wanted,
        entries.length < wanted
          ? "what was committed is in the log"
          : "the log holds nothing that was not committed, and nothing twice",
        `${wanted} of: ${text}`,
        () => ({ log: service, entries: entries.slice(0, 3) }),
      );
    }
  }
}

/** The cursor is at the head, and got there step by step, each event in one batch. */
function checkReader(
  consumer: "products" | "orders",
  producer: "users" | "products" | "orders",
  { snapshot }: Evidence,
  findings: Findings,
): void {
  const tables: ConsumerTables = snapshot[consumer];
  const head = snapshot[producer].event_log_head[0]?.position ?? 0;
  const cursor = tables.event_cursors.find((row) => row.producer === producer)?.position;
  const who = { consumer, producer };
  findings.expect(
    cursor === head,
    "a consumer has read all of its producer's log",
    `a cursor at ${head}`,
    () => ({ ...who, cursor: cursor ?? null }),
  );
  const batches = tables.event_batches
    .filter((row) => row.producer === producer)
    .sort((a, b) => a.first_position - b.first_position);
  findings.count("batches applied", batches.length);
  let next = 1;
  let at = "";
  for (const batch of batches) {
    const expected = next;
    findings.expect(
      batch.first_position === expected,
      batch.first_position > expected
        ? "no event is passed over"
        : "no event is applied a second time",
      `a batch that begins at ${expected}`,
      () => ({ ...who, batch }),
    );
    findings.expect(
      batch.applied_at >= at,
      "events are applied in the order of their positions",
      `a time after ${at}`,
      () => ({ ...who, batch }),
    );
    next = batch.last_position + 1;
    at = batch.applied_at;
  }
  findings.expect(
    next === head + 1,
    "every event is in one of the batches",
    `batches up to ${head}`,
    () => ({ ...who, last: batches.at(-1) ?? null }),
  );
  const letters = tables.dead_letters.filter((row) => row.producer === producer);
  findings.expect(letters.length === 0, "no event fails for good", "no dead letters", () => ({
    ...who,
    letters: letters.slice(0, 3),
  }));
}

/** What a consumer has passed has had its effect. */
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
      "an event that a consumer has passed had its effect",
      `rows ${reason} in the ledger`,
      () => ({ event, cursor, ledger }),
    );
  }
}

/** What went over the broker is in the log, at the place it said. */
function checkSeen({ history, snapshot }: Evidence, findings: Findings): void {
  const logs = new Map(
    services.map((service) => [
      service as string,
      new Map(snapshot[service].event_log.map((event) => [event.id, event])),
    ]),
  );
  for (const seen of history) {
    if (seen.line !== "event") continue;
    findings.count("events seen on the broker", 1);
    const entry = logs.get(seen.producer)?.get(seen.id);
    findings.expect(
      entry?.position === seen.position && entry.type === seen.type,
      "no event is seen whose transaction rolled back",
      "the same event in its producer's log",
      () => ({ seen, entry: entry ?? null }),
    );
  }
}
