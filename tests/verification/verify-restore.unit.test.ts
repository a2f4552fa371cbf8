import { expect, test } from "@jest/globals";
import {
  checkRestore,
  type PlacedEvent,
  type RestoreEvidence,
} from "../../tools/verify/restore/check-restore.ts";

const events = (...ids: string[]): PlacedEvent[] =>
  ids.map((id, index) => ({ id, position: index + 1 }));

/** Orders was set back from d to b, and has recorded x and y since. */
function cleanEvidence(): RestoreEvidence {
  const applied = events("a", "b", "c", "d");
  const log = events("a", "b", "x", "y");
  return {
    restored: "orders",
    halts: [
      {
        consumer: "products",
        appliedAtHalt: applied,
        appliedAtEnd: [...applied],
        log,
        reconciled: { halt: "set_back", lost: 2, notApplied: 2 },
        isLogged: true,
      },
    ],
    feeds: [
      { consumer: "products", producer: "orders", applied: [...log], log, deadLetters: [] },
      {
        consumer: "webhooks",
        producer: "orders",
        applied: log.slice(1),
        log,
        deadLetters: [],
      },
    ],
    repair: { redriven: 2, rejections: ["OUT_OF_STOCK"], differences: 0, deadLetters: 1 },
  };
}

const rules = (evidence: RestoreEvidence) =>
  checkRestore(evidence).violations.map(({ rule }) => rule);

/** Breaks the first halt or the first feed of clean evidence. */
function broken(
  change: (first: {
    halt: RestoreEvidence["halts"][number];
    feed: RestoreEvidence["feeds"][number];
  }) => void,
): RestoreEvidence {
  const evidence = cleanEvidence();
  const [halt] = evidence.halts;
  const [feed] = evidence.feeds;
  if (halt === undefined || feed === undefined) throw new Error("the evidence is incomplete");
  change({ halt, feed });
  return evidence;
}

const once = "after reconcile, each event of the log is applied once and in order";
const halts = "a consumer of a restored service halts and reports it";
const letters = "only an event that needs lost rows becomes a dead letter";
const letter = { id: "x", reason: "nothing was reserved for order 1" };

test("clean evidence has no violation", () => {
  expect(rules(cleanEvidence())).toEqual([]);
});

test.each<[string, string, Parameters<typeof broken>[0]]>([
  ["skipped", once, ({ feed }) => feed.applied.splice(2, 1)],
  ["applied twice", once, ({ feed }) => feed.applied.push(...feed.applied.slice(-1))],
  ["applied in another order", once, ({ feed }) => feed.applied.reverse()],
  ["not halted", halts, ({ halt }) => (halt.reconciled.halt = null)],
  ["not logged", halts, ({ halt }) => (halt.isLogged = false)],
  [
    "applied by a halted feed",
    "a halted feed applies nothing",
    ({ halt }) => halt.appliedAtEnd.push({ id: "y", position: 5 }),
  ],
  [
    "not reported as lost",
    "reconcile reports each lost event and each event that was not applied",
    ({ halt }) => (halt.reconciled.lost = 1),
  ],
  [
    "not lost",
    "the restore loses applied events, and new events follow",
    ({ halt }) => (halt.log = [...halt.appliedAtEnd]),
  ],
  ["dead-lettered by another consumer", letters, ({ feed }) => feed.deadLetters.push(letter)],
])("evidence of an event that is %s has a violation", (_title, rule, change) => {
  expect(rules(broken(change))).toContain(rule);
});

test("dead letters of the restored service are accepted only for lost rows", () => {
  const evidence = (reason: string) => ({
    ...broken(({ feed }) => feed.deadLetters.push({ ...letter, reason })),
    restored: "products" as const,
  });
  expect(rules(evidence(letter.reason))).toEqual([]);
  expect(rules(evidence("the data is invalid"))).toEqual([letters]);
});

test.each<[string, Partial<RestoreEvidence["repair"]>]>([
  ["a fault of redrive", { rejections: ["INTERNAL_SERVER_ERROR"] }],
  ["a dead letter that stays", { deadLetters: 2 }],
  ["a difference of the stock", { differences: 1 }],
])("%s has a violation", (_title, change) => {
  const evidence = cleanEvidence();
  Object.assign(evidence.repair, change);
  expect(rules(evidence)).toEqual([
    "redrive takes the stock of lost reservations, and the books balance",
  ]);
});
