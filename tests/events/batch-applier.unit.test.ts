import { beforeEach, expect, jest, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { event, type Effect, type EventEnvelope } from "../../core/contract.ts";
import { BatchApplier } from "../../event-log/consumer/batch-applier.ts";
import type { Cursor } from "../../event-log/consumer/event-cursor.ts";
import { EventHandlers } from "../../event-log/consumer/event-handlers.ts";

/** Accepts all data but `{ invalid: true }`. */
const broker = {
  validator: {
    compile: () => (data: { invalid?: boolean }) =>
      data.invalid === true ? [{ message: "invalid" }] : true,
  },
} as unknown as ServiceBroker;
const producer = {
  name: "letters",
  actions: {},
  events: { a: event(1, {}), unhandled: event(1, {}) },
};

let cursor: Cursor;
/** `BEGIN`, the first words of each statement, `COMMIT`. */
let statements: string[];
let applied: number[];
let isNeeded: jest.Mock<() => Promise<boolean>>;
let applier: BatchApplier;

/** Runs the statements that `BatchApplier` sends. */
const query: Effect["query"] = async <Row extends object>(sql: string, bind: unknown[]) => {
  statements.push(/^(SELECT position|WITH moved|INSERT INTO dead_letters)/.exec(sql)?.[0] ?? sql);
  if (sql.startsWith("SELECT")) return [cursor] as unknown as Row[];
  if (!sql.startsWith("WITH moved")) return [{ id: "letter" }] as unknown as Row[];
  const [, , last, , ids, , , position, eventId] = bind as [
    ...[string, number, number, string, string[], string[], string[], number, string | null],
  ];
  if (cursor.position !== position || cursor.eventId !== eventId) return [];
  cursor = { position: last, eventId: ids.at(-1) ?? "" };
  return [{ producer: "letters" }] as unknown as Row[];
};

const effect = {
  query,
  record: () => undefined,
  afterCommit: (call: () => void) => {
    call();
  },
} as Effect;

beforeEach(() => {
  cursor = { position: 0, eventId: null };
  statements = [];
  applied = [];
  isNeeded = jest.fn(async () => true);
  const handleBatch = async (events: EventEnvelope[]) => {
    applied.push(...events.map(({ position }) => position));
  };
  applier = new BatchApplier({
    consumer: "readers",
    producer: "letters",
    node: "reader-1",
    async transaction(useCase) {
      statements.push("BEGIN");
      const result = await useCase(effect);
      statements.push("COMMIT");
      return result;
    },
    query,
    handlers: new EventHandlers(
      broker,
      producer,
      { a: { handleBatch, isNeeded } },
      () => undefined,
    ),
    onDeadLetter: () => undefined,
  });
});

/** Events at positions, by default of type `a`. */
const events = (positions: number[], type = "a", data = {}) =>
  new Map(
    positions.map((position): [number, EventEnvelope] => [
      position,
      {
        id: `letter ${position}`,
        type,
        version: 1,
        producer: "letters",
        position,
        ...(position > 1 && { previousId: `letter ${position - 1}` }),
        occurredAt: "2030-01-01T00:00:00.000Z",
        data,
      },
    ]),
  );

test("the transaction of a batch moves the cursor first, and reads it only at the start", async () => {
  expect(await applier.apply(events([1, 2]), 500)).toMatchObject({ position: 2, isIdle: false });
  expect(statements).toEqual(["SELECT position", "BEGIN", "WITH moved", "COMMIT"]);
  statements = [];
  await applier.apply(events([3]), 500);
  expect(statements).toEqual(["BEGIN", "WITH moved", "COMMIT"]);
  expect(applied).toEqual([1, 2, 3]);
});

test.each<[string, Cursor]>([
  ["forward", { position: 2, eventId: "letter 2" }],
  ["back", { position: 0, eventId: null }],
  ["without the id, as a node of an older version does", { position: 2, eventId: null }],
])(
  "a cursor that was moved %s is read, and the events after it are applied",
  async (_way, moved) => {
    await applier.apply(events([1]), 500);
    cursor = moved;
    applied = [];
    const { position } = await applier.apply(events([1, 2, 3]), 500);
    expect(position).toBe(3);
    expect(applied).toEqual([1, 2, 3].slice(moved.position));
  },
);

test("an event that another replica has applied is not applied again", async () => {
  await applier.apply(events([1]), 500);
  cursor = { position: 2, eventId: "letter 2" };
  applied = [];
  expect(await applier.apply(events([2]), 500)).toMatchObject({ position: 2, batch: [] });
  expect(applied).toEqual([]);
});

test("a batch that the handler does not need moves the cursor without a transaction", async () => {
  isNeeded.mockResolvedValue(false);
  expect(await applier.apply(events([1, 2]), 500)).toMatchObject({ position: 2, isIdle: true });
  expect(statements).toEqual(["SELECT position", "WITH moved"]);
  expect(applied).toEqual([]);
});

test("events without a handler move the cursor without a transaction, and the feed is not idle", async () => {
  const result = await applier.apply(events([1], "unhandled"), 500);
  expect(result).toMatchObject({ position: 1, isIdle: false });
  expect(statements).toEqual(["SELECT position", "WITH moved"]);
});

test("an event that violates its contract becomes a dead letter, also if its handler does not need it", async () => {
  isNeeded.mockResolvedValue(false);
  await applier.apply(events([1], "a", { invalid: true }), 500);
  expect(statements).toContain("INSERT INTO dead_letters");
});
