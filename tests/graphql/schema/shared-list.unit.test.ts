import { beforeEach, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { BatchedLookups } from "../../../services/api/graphql/schema/batched-lookups.ts";
import { RowsInFlight } from "../../../services/api/limits/rows-in-flight.ts";
import { productsContract } from "../../../services/products/products.contract.ts";

interface Call {
  params: object;
  answer: (rows: object[]) => void;
  fail: (error: Error) => void;
}

const listAt = (offset: number) => ({ limit: 100, offset });
const pageOf = (params: object) => [params];

let rows: RowsInFlight;
let calls: Call[];
let lookups: BatchedLookups;

beforeEach(() => {
  rows = new RowsInFlight();
  calls = [];
  const call = (_action: string, params: object) =>
    new Promise((answer, fail) => calls.push({ params, answer, fail }));
  lookups = new BatchedLookups([productsContract], { call } as unknown as ServiceBroker);
});

/** Requests a list as a field of a query does. */
function request(addressGroup: string, params: { limit: number; offset: number }, isOver = false) {
  const read = lookups.listOf("products.list");
  if (read === undefined) throw new Error("products.list is not shared");
  return read(params, {
    addressGroup,
    readRows: (size, list) => rows.read(addressGroup, size, list),
    isOver: () => isOver,
  });
}

/** Lets everything happen that waits for nothing else. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Answers the calls in flight, and returns their parameters. */
async function answerCalls(): Promise<object[]> {
  const answered = calls.splice(0);
  for (const { params, answer } of answered) answer(pageOf(params));
  await settled();
  return answered.map(({ params }) => params);
}

test("an equal list of another address does not wait for the turn of the address that asked first", async () => {
  const flood: ReturnType<typeof request>[] = [];
  for (const offset of [0, 1, 2, 5, 6, 6, 6]) {
    flood.push(request("a", listAt(offset)));
    await settled();
  }
  // 300 rows of an address are read at a time.
  expect(calls.map(({ params }) => params)).toEqual([0, 1, 2].map(listAt));
  const wanted = request("b", listAt(6));
  await settled();
  const [call] = calls.splice(3);
  expect(call?.params).toEqual(listAt(6));
  call?.answer(pageOf(listAt(6)));
  expect(await wanted).toEqual(pageOf(listAt(6)));
  // The requests that waited longer have the same rows, without a call of their own.
  for (const list of flood.slice(4)) expect(await list).toBe(await wanted);
  expect(await answerCalls()).toEqual([0, 1, 2].map(listAt));
  expect(await answerCalls()).toEqual([listAt(5)]);
  await Promise.all(flood);
  expect(calls).toEqual([]);
});

test("equal lists share a call, and requests wait for the fourth call while three are in flight", async () => {
  const first = [request("a", listAt(0)), request("a", listAt(0)), request("b", listAt(0))];
  await settled();
  expect(calls).toHaveLength(1);
  const later: ReturnType<typeof request>[] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    later.push(request(turn % 2 === 0 ? "a" : "c", listAt(0)));
    await settled();
  }
  expect(calls).toHaveLength(3);
  calls.shift()?.answer(pageOf(listAt(0)));
  expect(await Promise.all(first)).toEqual([1, 2, 3].map(() => pageOf(listAt(0))));
  await settled();
  expect(await answerCalls()).toEqual([1, 2, 3].map(() => listAt(0)));
  await Promise.all(later);
  expect(calls).toEqual([]);
});

test("150 equal lists of one turn of the event loop take two calls", async () => {
  const lists = Array.from({ length: 150 }, () => request("a", listAt(0)));
  await settled();
  expect(await answerCalls()).toHaveLength(2);
  await Promise.all(lists);
});

test("a list that no request needs any more is not read, and an error reaches all that share it", async () => {
  await expect(request("a", listAt(0), true)).rejects.toThrow("no request needs the list");
  expect(calls).toEqual([]);
  const shared = [request("a", listAt(0), true), request("b", listAt(0))];
  await settled();
  expect(calls).toHaveLength(1);
  calls.pop()?.fail(new Error("failed"));
  for (const list of shared) await expect(list).rejects.toThrow("failed");
});
