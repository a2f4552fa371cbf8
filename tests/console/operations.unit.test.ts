import { describe, expect, test } from "@jest/globals";
import { summaryOf } from "../../web/console/src/operations/charts/chart-summary.ts";
import { withGaps } from "../../web/console/src/operations/charts/history-gaps.ts";
import { withChanges } from "../../web/console/src/operations/map/cluster-changes.ts";
import { membersOf } from "../../web/console/src/operations/map/cluster-members.ts";
import { layoutOf, type Box } from "../../web/console/src/operations/map/picture/cluster-layout.ts";
import { lineWidth, speedOf } from "../../web/console/src/operations/map/picture/flow-look.ts";
import { isId } from "../../web/console/src/api/is-id.ts";
import { phasesOf, totalMsOf } from "../../web/console/src/operations/trace/trace-phases.ts";
import { formatBytes, formatMs, formatRate } from "../../web/console/src/operations/units.ts";

const timeOf = (ms: number) => new Date(1_800_000_000_000 + ms).toISOString();

describe("the phases of an order's trace", () => {
  const step = (ms: number, durationMs: number | null = null) => ({ at: timeOf(ms), durationMs });

  test("divide at a pause, and each has a scale of its own", () => {
    const day = 86_400_000;
    const phases = phasesOf([step(0, 40), step(10), step(30, 70), step(day), step(day + 50, 50)]);
    expect(phases.map(({ steps }) => steps.length)).toEqual([3, 2]);
    expect(phases.map(({ durationMs }) => durationMs)).toEqual([100, 100]);
    expect(phases.map(({ pauseMs }) => pauseMs)).toEqual([0, day - 100]);
    expect(phases[0]?.steps).toMatchObject([
      { offsetMs: 0, left: 0, width: 40 },
      { offsetMs: 10, left: 10, width: 0 },
      { offsetMs: 30, left: 30, width: 70 },
    ]);
    expect(totalMsOf(phases)).toBe(day + 100);
  });

  test("do not divide while a long step goes on", () => {
    expect(phasesOf([step(0, 60_000), step(50_000)])).toHaveLength(1);
  });

  test("have a scale also if all steps are at one moment", () => {
    expect(phasesOf([step(5), step(5)])[0]?.steps).toMatchObject([{ left: 0 }, { left: 0 }]);
    expect(totalMsOf([])).toBe(0);
  });
});

test("a node without services is no node of the shop", () => {
  const api = { id: "api-1", services: ["api"] };
  const repl = { id: "repl-1", services: [] };
  expect(membersOf([repl, api])).toEqual({ shop: [api], tools: [repl] });
});

describe("the recent changes of the cluster", () => {
  const node = (id: string, status: "ANSWERS" | "SILENT" = "ANSWERS") => ({ id, status });

  test("name nodes that join, leave, fall silent and answer again, newest first", () => {
    const one = withChanges([], [node("a"), node("b")], [node("b", "SILENT"), node("c")], "t1");
    expect(one.map((change) => `${change.node} ${change.kind}`)).toEqual([
      "a left",
      "c joined",
      "b becameSilent",
    ]);
    const two = withChanges(one, [node("b", "SILENT")], [node("b")], "t2");
    expect(two[0]).toMatchObject({ node: "b", kind: "answersAgain", at: "t2" });
    expect(new Set(two.map(({ id }) => id)).size).toBe(two.length);
    expect(withChanges(two, [node("b")], [node("b")], "t3")).toBe(two);
  });

  test("are bounded, however long the page is open", () => {
    let changes = withChanges([], [], [], "");
    for (let index = 0; index < 100; index++) {
      changes = withChanges(changes, [], [node(String(index))], "");
    }
    expect(changes).toHaveLength(12);
    expect(changes[0]?.node).toBe("99");
  });
});

describe("the layout of the cluster map", () => {
  const flow = (kind: "CALL" | "STATEMENT" | "EVENT", from: string, to: string) => {
    return { kind, from, to };
  };
  const names = ["api", "users", "products", "orders", "webhooks"];
  const overlap = (a: Box, b: Box) =>
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

  test.each([
    [860, 1],
    [1_200, 3],
    [1_200, 12],
  ])("no cards overlap at %i px with %i nodes of each service", (width, nodes) => {
    const services = names.map((name) => ({ name, nodes }));
    const databases = names.slice(1);
    const layout = layoutOf({ services, databases, flows: [], hasNats: true }, width);
    const { clients, nats } = layout;
    const boxes = [clients, ...layout.services.values(), ...layout.databases.values()];
    if (nats) boxes.push(nats);
    expect(boxes).toHaveLength(11);
    for (const [index, box] of boxes.entries()) {
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(width);
      expect(box.y + box.height).toBeLessThanOrEqual(layout.height);
      for (const other of boxes.slice(index + 1)) expect(overlap(box, other)).toBe(false);
    }
  });

  test("flows of unknown parts have no line, and a way back is apart from the way", () => {
    const flows = [
      flow("CALL", "api", "orders"),
      flow("CALL", "operator", "orders"),
      flow("EVENT", "orders", "products"),
      flow("EVENT", "products", "orders"),
      flow("STATEMENT", "orders", "orders"),
    ];
    const services = names.map((name) => ({ name, nodes: 1 }));
    const layout = layoutOf({ services, databases: ["orders"], flows, hasNats: false }, 1_200);
    const [call, operator, event, back, statement] = layout.curves;
    expect(operator).toBeUndefined();
    expect(call?.label.x).toBeLessThan(layout.services.get("orders")?.x ?? 0);
    expect(statement?.path).toMatch(/^M/);
    const distance = Math.abs((event?.label.y ?? 0) - (back?.label.y ?? 0));
    expect(distance).toBeGreaterThan(12);
    expect(layout.nats).toBeUndefined();
  });
});

test("the width and the speed of a flow grow with its rate, within bounds", () => {
  const rates = [0, 0.1, 1, 10, 100, 1_000_000];
  const widths = rates.map(lineWidth);
  expect(widths).toEqual([...widths].sort((a, b) => a - b));
  expect(Math.max(...widths)).toBe(8);
  expect(rates.map(speedOf)).toEqual([0, 1, 1, 2, 3, 4]);
});

test("a history without some steps has one empty row in their place", () => {
  const steps = [{ at: timeOf(0) }, { at: timeOf(10_000) }, { at: timeOf(60_000) }];
  const { times, rows } = withGaps(steps, 10);
  expect(times.map((time) => time - (times[0] ?? 0))).toEqual([0, 10, 20, 60]);
  expect(rows[2]).toBeNull();
});

test("the summary of a line has its newest, its highest and its mean value", () => {
  expect(summaryOf([null, 1, 5, 3])).toEqual({ now: 3, highest: 5, highestAt: 2, mean: 3 });
  expect(summaryOf([2, null])?.now).toBeNull();
  expect(summaryOf([null])).toBeUndefined();
});

test("numbers have units that people read at once", () => {
  expect([0, 0.001, 0.25, 1_234].map(formatRate)).toEqual(["0/s", "<0.01/s", "0.25/s", "1,230/s"]);
  expect([0.05, 12.34, 1_500, 3_723_000, 90_000_000].map(formatMs)).toEqual([
    "<0.1 ms",
    "12.3 ms",
    "1.5 s",
    "1 h 2 min",
    "1 d 1 h",
  ]);
  expect([512, 133_000_000].map(formatBytes)).toEqual(["512 B", "127 MiB"]);
});

test("an order is named by its id or its number", () => {
  expect(isId("01A22361-48ac-7583-bce1-8b1bcdbf5cc9")).toBe(true);
  expect(isId("1HN4-7T2C-9KQ0")).toBe(false);
});
