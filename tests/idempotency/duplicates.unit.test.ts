import { expect, jest, test } from "@jest/globals";
import { commonErrors, ClientError } from "../../core/errors.ts";
import { newId } from "../../core/ids/ids.ts";
import type { Query } from "../../database/statements/prepared-statements.ts";
import { runIdempotent } from "../../mixins/idempotent-requests.ts";
import { RequestsInProgress } from "../../mixins/requests-in-progress.ts";

type UseCase = () => Promise<object>;

/** A node whose database knows no key, and which counts the statements. */
function node() {
  const query = jest.fn(async (sql: string) => (sql.startsWith("INSERT") ? [{ id: "1" }] : []));
  const database = { query: query as unknown as Query } as never;
  const running = new RequestsInProgress();
  const replays = { add: jest.fn() };
  const call = (params: object, useCase: UseCase, userId = "1") => {
    const viewer = { kind: "user" as const, id: userId, type: 0 };
    const meta = { idempotencyKey: "key", attemptId: newId(), viewer };
    const ctx = { caller: "api", action: { name: "users.register" }, params, meta };
    return runIdempotent<never, never, object>(
      database,
      running,
      () => replays as never,
      ctx as never,
      useCase,
    );
  };
  return { call, query, replays };
}

test("fifty duplicates on a node wait for the first one, and do nothing of their own", async () => {
  const { call, query, replays } = node();
  const work = Promise.withResolvers<object>();
  const useCase = jest.fn<UseCase>(() => work.promise);
  const answers = Array.from({ length: 50 }, () => call({ a: 1 }, useCase));
  work.resolve({ id: "new" });
  expect(await Promise.all(answers)).toEqual(answers.map(() => ({ id: "new" })));
  expect(useCase).toHaveBeenCalledTimes(1);
  expect(query).toHaveBeenCalledTimes(1);
  expect(replays.add).toHaveBeenCalledTimes(49);
});

test("a duplicate of a rejected request is rejected, and releases the key for its own attempt", async () => {
  const { call, query } = node();
  const rejection = new ClientError(commonErrors.BAD_USER_INPUT, "no");
  const work = Promise.withResolvers<object>();
  const useCase = jest.fn<UseCase>(() => work.promise);
  const answers = [call({}, useCase), call({}, useCase)];
  work.reject(rejection);
  for (const { reason } of (await Promise.allSettled(answers)) as PromiseRejectedResult[]) {
    expect(reason).toBe(rejection);
  }
  const released = query.mock.calls.filter(([sql]) => sql.includes("refused_attempt"));
  expect(released).toHaveLength(2);
  // The key is free again.
  expect(await call({}, async () => ({ id: "second" }))).toEqual({ id: "second" });
});

test("another input and another caller do not wait", async () => {
  const { call } = node();
  const work = Promise.withResolvers<object>();
  const first = call({ a: 1 }, () => work.promise);
  expect(await call({ a: 2 }, async () => ({ id: "input" }))).toEqual({ id: "input" });
  expect(await call({ a: 1 }, async () => ({ id: "caller" }), "2")).toEqual({ id: "caller" });
  work.resolve({ id: "first" });
  expect(await first).toEqual({ id: "first" });
});

test("a duplicate gets IDEMPOTENCY_IN_PROGRESS if the first one takes too long", async () => {
  jest.useFakeTimers();
  try {
    const { call } = node();
    const work = Promise.withResolvers<object>();
    const first = call({}, () => work.promise);
    const rejected = expect(call({}, () => work.promise)).rejects.toMatchObject({
      type: "IDEMPOTENCY_IN_PROGRESS",
    });
    await jest.advanceTimersByTimeAsync(3_000);
    await rejected;
    work.resolve({ id: "late" });
    expect(await first).toEqual({ id: "late" });
  } finally {
    jest.useRealTimers();
  }
});
