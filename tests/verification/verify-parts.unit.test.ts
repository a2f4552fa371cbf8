import { describe, expect, test } from "@jest/globals";
import { ArgumentError } from "../../tools/support/arguments.ts";
import { readArguments } from "../../tools/verify/arguments.ts";
import { invariants } from "../../tools/verify/check/findings.ts";
import { mutants } from "../../tools/verify/mutants/mutants.ts";
import { mutantResult } from "../../tools/verify/mutants/mutant-result.ts";
import { EventPassage, type SeenEvent } from "../../tools/verify/cluster/event-passage.ts";
import { NatsFrames } from "../../tools/verify/cluster/nats-frames.ts";
import { FaultInjector, type InjectionPoints } from "../../tools/verify/faults/fault-injector.ts";
import { allFaultKinds, type EventFault } from "../../tools/verify/faults/kinds.ts";
import { planFaults } from "../../tools/verify/faults/plan-faults.ts";
import { faultTargets } from "../../tools/verify/faults/fault-targets.ts";
import type { HistoryLine } from "../../tools/verify/history.ts";
import type { HistoryWriter } from "../../tools/verify/history-writer.ts";
import { Random } from "../../tools/verify/random.ts";
import { figuresOf } from "../../tools/verify/report/figures.ts";
import { pictureOf } from "../../tools/verify/report/picture.ts";
import { tableOf } from "../../tools/verify/report/table.ts";
import { judge, statusOf } from "../../tools/verify/report/verdict.ts";
import { cleanRun } from "../support/consistency/checked-run.ts";

describe("the NATS parser", () => {
  const sent = [
    'CONNECT {"verbose":false}\r\n',
    "PUB MOL.EVENT.node 5\r\nhello\r\n",
    "PUB MOL.REQ reply.to 4\r\na\r\nb\r\n",
    "HPUB MOL.INFO 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
    "PUB MOL.PING 0\r\n\r\n",
    "PING\r\n",
  ];
  const bytes = Buffer.from(sent.join(""));

  test.each([1, 2, 7, bytes.length])("gives complete messages from chunks of %i bytes", (size) => {
    const frames = new NatsFrames();
    const found = [];
    for (let from = 0; from < bytes.length; from += size) {
      found.push(...frames.push(bytes.subarray(from, from + size)));
    }
    expect(found.map((frame) => frame.bytes.toString())).toEqual(sent);
    expect(found.map(({ subject, payload }) => [subject, payload?.toString()])).toEqual([
      [undefined, undefined],
      ["MOL.EVENT.node", "hello"],
      ["MOL.REQ", "a\r\nb"],
      ["MOL.INFO", "hi"],
      ["MOL.PING", ""],
      [undefined, undefined],
    ]);
  });
});

describe("the event passage", () => {
  const request = Buffer.from("PUB MOL-shop.REQ.node 2\r\n{}\r\n");

  function event(position: number): Buffer {
    const data = { id: `event-${position}`, type: "order.placed", producer: "orders", position };
    const payload = JSON.stringify({ data });
    return Buffer.from(`PUB MOL-shop.EVENT.node ${payload.length}\r\n${payload}\r\n`);
  }

  /** Sends requests and events in turn through a passage. Returns those that passed without delay. */
  function pass(fault: EventFault | undefined) {
    const seen: SeenEvent[] = [];
    const passage = new EventPassage(new Random(1), (one) => seen.push(one));
    if (fault !== undefined) passage.begin(fault);
    const passed: string[] = [];
    const passConnection = passage.open();
    for (let position = 1; position <= 50; position += 1) {
      passConnection(Buffer.concat([request, event(position)]), (bytes) =>
        passed.push(bytes.toString()),
      );
    }
    const requests = passed.filter((text) => text === request.toString()).length;
    const positions = passed.flatMap((text) => /"position":(\d+)/.exec(text)?.[1] ?? []);
    const affected = fault === undefined ? 0 : passage.end(fault);
    return { requests, positions: positions.map(Number), affected, seen };
  }

  test("passes and reports every event without a fault", () => {
    const { requests, positions, seen } = pass(undefined);
    expect(requests).toBe(50);
    expect(positions).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(seen.map(({ position }) => position)).toEqual(positions);
  });

  test("drops some events and no request", () => {
    const { requests, positions, affected } = pass("drop");
    expect(requests).toBe(50);
    expect(affected).toBeGreaterThan(5);
    expect(positions).toHaveLength(50 - affected);
  });

  test("reorders events and loses none", () => {
    const { requests, positions, affected } = pass("reorder");
    expect(requests).toBe(50);
    expect(affected).toBeGreaterThan(5);
    expect(positions).not.toEqual(positions.toSorted((a, b) => a - b));
    expect(new Set(positions).size).toBe(positions.length);
  });
});

describe("the fault plan", () => {
  test("is the same for the same seed and differs for another", () => {
    const plan = (seed: number) => planFaults(new Random(seed), allFaultKinds, 60_000);
    expect(plan(7)).toEqual(plan(7));
    expect(plan(7)).not.toEqual(plan(8));
  });

  test.each([15, 60, 300])("of %i seconds has all kinds and ends before the load", (seconds) => {
    const loadMs = seconds * 1_000;
    const plan = planFaults(new Random(3), allFaultKinds, loadMs);
    expect(new Set(plan.map(({ kind }) => kind)).size).toBe(allFaultKinds.length);
    expect(plan.every(({ atMs, durationMs }) => atMs + durationMs < loadMs)).toBe(true);
  });

  test("of five minutes has more than 80 faults", () => {
    expect(planFaults(new Random(3), allFaultKinds, 300_000).length).toBeGreaterThan(80);
  });

  test("is empty without kinds", () => {
    expect(planFaults(new Random(3), [], 60_000)).toEqual([]);
  });
});

describe("the command line", () => {
  test("selects faults, mutants and a seed", () => {
    const parsed = readArguments(["--faults", "kill,nats", "--mutant", "oversell", "--seed", "5"]);
    expect(parsed).toMatchObject({ faults: ["kill", "nats"], seed: 5, minutes: 2 });
    expect(parsed.mutants.map(({ name }) => name)).toEqual(["oversell"]);
  });

  test.each([
    ["an unknown fault", ["--faults", "kill,meteor"]],
    ["an unknown mutant", ["--mutant", "everything"]],
    ["a duration that is no number", ["--minutes", "soon"]],
    ["an unknown option", ["--fast"]],
  ])("with %s throws an ArgumentError", (_title, args) => {
    expect(() => readArguments(args)).toThrow(ArgumentError);
  });
});

describe("the verdict", () => {
  const noFindings = judge([], figuresOf(cleanRun().history));

  test("is failed without quiescence", () => {
    expect(statusOf(noFindings)).toBe(1);
  });

  test("is failed if quiescence comes more than 30 s after the last request", () => {
    const statusAfter = (ms: number) => {
      const { history } = cleanRun();
      history.push({ line: "phase", phase: "healed", atMs: 200 });
      history.push({ line: "phase", phase: "finished", atMs: 40_000 });
      history.push({ line: "phase", phase: "quiescent", atMs: 40_000 + ms });
      return statusOf(judge([], figuresOf(history)));
    };
    expect([statusAfter(30_000), statusAfter(30_001)]).toEqual([0, 1]);
  });

  test("is inconclusive without orders", () => {
    const { history } = cleanRun();
    history.push({ line: "phase", phase: "finished", atMs: 200 });
    history.push({ line: "phase", phase: "quiescent", atMs: 900 });
    expect(statusOf(judge([], figuresOf(history)))).toBe(0);
    const idle = history.filter((line) => line.line === "phase");
    expect(statusOf(judge([], figuresOf(idle)))).toBe(2);
  });

  test("is shown in a table and a picture", () => {
    const { history } = cleanRun();
    history.push({
      line: "fault",
      kind: "kill",
      target: "orders-1",
      startMs: 10,
      endMs: 20,
      detail: { downtimeMs: 5 },
    });
    const figures = figuresOf(history);
    expect(tableOf(figures, [], noFindings)).toMatch(/placeOrder +3 +2 +0 +5/);
    expect(pictureOf(history, figures, noFindings)).toMatch(/^<svg .*<title>orders-1.*<\/svg>$/s);
  });
});

describe("a planned fault that is not injected", () => {
  /** A shop without nodes, and without events. */
  function idleInjector() {
    const written: HistoryLine[] = [];
    const history = { nowMs: 0, write: (line: HistoryLine) => written.push(line) };
    const events = { begin: () => undefined, end: () => 0 };
    const injector = new FaultInjector(
      { shop: { nodes: [], events } } as unknown as InjectionPoints,
      new Random(1),
      history as unknown as HistoryWriter,
    );
    return { injector, written };
  }

  test("is recorded with its reason", async () => {
    const { injector, written } = idleInjector();
    await injector.inject("kill", 0);
    await Promise.all([injector.inject("drop", 0), injector.inject("drop", 0)]);
    injector.end();
    await injector.run([{ kind: "nats", atMs: 0, durationMs: 0 }], 0);
    expect(written).toMatchObject([
      { kind: "kill", reason: "no healthy node with a healthy replica" },
      { kind: "drop", reason: "another fault of its kind was active" },
      { kind: "drop", reason: "no event passed" },
      { kind: "nats", reason: "the load had ended" },
    ]);
  });

  test("is counted in the report, with the number of planned faults", () => {
    const fault = { line: "fault", kind: "kill", target: "orders-1" } as const;
    const missed = { line: "missed fault", atMs: 3, reason: "the load had ended" } as const;
    const figures = figuresOf([
      { ...fault, startMs: 1, endMs: 2 },
      { ...missed, kind: "nats" },
      { ...missed, kind: "nats" },
      { ...missed, kind: "kill", reason: "no healthy node with a healthy replica" },
    ]);
    const table = tableOf(figures, [], judge([], figures));
    expect(table).toMatch(/^not injected, of 4 planned faults +3$/m);
    expect(table).toMatch(/^nats: the load had ended +2$/m);
    expect(table).toMatch(/^kill: no healthy node with a healthy replica +1$/m);
  });
});

describe("the longest time without a definite outcome", () => {
  const answer = (endMs: number, code?: string) =>
    ({
      line: "request",
      op: endMs,
      kind: "listOrders",
      startMs: endMs - 1,
      endMs,
      ...(code === undefined ? { outcome: "ok" } : { outcome: "unknown", code }),
    }) as HistoryLine;
  const phases: HistoryLine[] = [
    { line: "phase", phase: "opened", atMs: 1_000 },
    { line: "phase", phase: "healed", atMs: 20_000 },
  ];
  const answers = [1_500, 3_500, 9_000, 9_500, 14_500, 19_000].map((atMs) => answer(atMs));

  test("ends with a success or a rejection, not with an unknown outcome", () => {
    const history = [...phases, ...answers, answer(6_000, "CLIENT_TIMEOUT")];
    history.push(answer(6_100, "SERVICE_UNAVAILABLE"));
    expect(figuresOf(history).longestSilenceMs).toBe(5_500);
  });

  test("excludes outages of PostgreSQL and NATS", () => {
    const fault = { line: "fault", target: "nats-server", startMs: 4_000, endMs: 4_500 } as const;
    const history: HistoryLine[] = [...phases, ...answers, { ...fault, kind: "nats" }];
    expect(figuresOf(history).longestSilenceMs).toBe(5_000);
    history.push({ ...fault, kind: "postgres", startMs: 11_000, endMs: 12_000 });
    expect(figuresOf(history).longestSilenceMs).toBe(4_500);
  });
});

test("each invariant has a mutant", () => {
  const attacked = new Set(mutants.map(({ invariant }) => String(invariant)));
  expect([...attacked].toSorted()).toEqual(Object.keys(invariants).toSorted());
});

describe("a mutant", () => {
  const mutant = { invariant: 3, parts: ["one", "other"] } as const;
  const result = (mutated: string[], ...violated: (1 | 3)[]) =>
    mutantResult(
      { ...mutant, parts: [...mutant.parts] },
      new Set(mutated),
      violated.map((invariant) => ({ invariant })),
    );

  test("is caught when its invariant is violated", () => {
    expect(result(["one", "other"], 1, 3).isCaught).toBe(true);
  });

  test("is not caught by a violation of another invariant", () => {
    expect(result(["one", "other"], 1)).toMatchObject({
      isCaught: false,
      text: "NOT CAUGHT, invariant 3 should be violated",
    });
  });

  test("is reported as not applied when a part matched no statement", () => {
    const { isCaught, text } = result(["other"], 3);
    expect(isCaught).toBe(false);
    expect(text).toMatch("NOT APPLIED, no statement matched: one");
  });
});

describe("the targets of a fault", () => {
  const node = (name: string, services: string[], isHealthy = true) => ({
    name,
    services,
    isHealthy,
  });

  test.each([
    ["are all nodes when all are healthy", [true, true, true, true], ["p1", "p2", "o1", "front"]],
    ["exclude the last healthy replica", [true, false, true, true], ["o1", "front"]],
    ["exclude nodes that are down", [false, false, true, true], ["o1", "front"]],
  ])("%s", (_, [p1, p2, o1, front], expected) => {
    const nodes = [
      node("p1", ["products"], p1),
      node("p2", ["products"], p2),
      node("o1", ["orders"], o1),
      node("front", ["users", "api"], front),
    ];
    expect(faultTargets(nodes).map(({ name }) => name)).toEqual(expected);
  });

  test("need a healthy replica of each of their services", () => {
    const nodes = [
      node("front-1", ["users", "api"]),
      node("front-2", ["users", "api"], false),
      node("users-3", ["users"]),
    ];
    expect(faultTargets(nodes).map(({ name }) => name)).toEqual(["users-3"]);
  });
});
