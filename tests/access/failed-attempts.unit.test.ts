import { afterEach, expect, jest, test } from "@jest/globals";
import { commonErrors, ClientError } from "../../core/errors.ts";
import { FailedAttemptAudit } from "../../database/audit-trail.ts";

const minuteMs = 60_000;

afterEach(() => {
  jest.restoreAllMocks();
});

test.each([
  ["", 0],
  [", also if the clock was set back by an hour", -3_600_000],
])("repeated attempts are recorded once a minute%s", async (_condition, stepMs) => {
  let clockMs = 1_000_000_000;
  let elapsedMs = 0;
  jest.spyOn(Date, "now").mockImplementation(() => clockMs);
  jest.spyOn(performance, "now").mockImplementation(() => elapsedMs);
  let entries = 0;
  const audit = new FailedAttemptAudit(() => {
    entries += 1;
    return Promise.resolve([]);
  });
  const call = {
    caller: "api",
    meta: { viewer: { kind: "anonymous" as const }, address: "127.0.0.1" },
    params: {},
    action: { name: "products.create", access: "admin" as const },
    broker: { logger: console as never },
  };
  const attempt = () =>
    audit.onAccessDenied(call, new ClientError(commonErrors.UNAUTHENTICATED, "Sign in."));

  await attempt();
  clockMs += stepMs;
  await attempt();
  expect(entries).toBe(1);
  clockMs += minuteMs;
  elapsedMs += minuteMs;
  await attempt();
  expect(entries).toBe(2);
});
