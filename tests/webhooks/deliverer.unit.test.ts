import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { Deliverer } from "../../services/webhooks/sending/deliverer.ts";
import type { WebhooksDatabase } from "../../services/webhooks/webhooks.database.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

/** Makes claimed deliveries whose attempts fail without a connection. */
function failingDeliveries(count: number): object[] {
  return Array.from({ length: count }, () => ({
    id: randomUUID(),
    webhook_id: randomUUID(),
    url: "no URL",
    attempts: 0,
    expires_in_ms: 86_400_000,
  }));
}

test("deliveries that fail at once are each looked for when their retry is due", async () => {
  // The share of the jitter: retries are due after 2.0, 2.2 and 2.4 s.
  const shares = [0, 0.5, 1];
  jest.spyOn(Math, "random").mockImplementation(() => shares.shift() ?? 0);
  const claimedAtMs: number[] = [];
  let due = failingDeliveries(shares.length);
  const query = (sql: string) => {
    if (!sql.includes("claimed AS")) return Promise.resolve([]);
    claimedAtMs.push(performance.now() - startMs);
    const rows = due;
    due = [];
    return Promise.resolve(rows);
  };
  const deliverer = new Deliverer({
    database: { query } as unknown as WebhooksDatabase,
    secrets: undefined as never,
    rules: { allowHttp: false, allowPrivate: false },
    lookup: undefined as never,
    onAttempt: () => undefined,
    onFault: (fault) => {
      throw fault;
    },
  });
  const startMs = performance.now();
  deliverer.start();
  await jest.advanceTimersByTimeAsync(4_900);
  const retried = claimedAtMs.filter((ms) => ms >= 1_000);
  expect(retried).toHaveLength(3);
  for (const [at, dueMs] of [2_000, 2_200, 2_400].entries()) {
    expect(retried[at]).toBeGreaterThanOrEqual(dueMs);
    expect(retried[at]).toBeLessThanOrEqual(dueMs + 200);
  }
  await deliverer.stop();
  await jest.advanceTimersByTimeAsync(10_000);
  expect(claimedAtMs.at(-1)).toBeLessThan(4_900);
});
