import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { LogFields } from "../../core/logging/log-fields.ts";
import { recordSpans } from "../../core/tracing/spans.ts";
import { RequestLog, type LoggedRequest } from "../../services/api/observability/request-log.ts";

interface Line {
  level: string;
  message: string;
  fields: Record<string, unknown>;
}
let lines: Line[] = [];

beforeEach(() => {
  lines = [];
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function newLog(accessLog = false): RequestLog {
  const write = (level: string) => (first: unknown, second: unknown) => {
    const fields = first instanceof LogFields ? { ...first.fields } : {};
    const message = first instanceof LogFields ? second : first;
    lines.push({
      level,
      message: String(message),
      fields: JSON.parse(JSON.stringify(fields)) as Line["fields"],
    });
  };
  const logger = { info: write("info"), warn: write("warn"), error: write("error") };
  return new RequestLog(logger as never, { accessLog, slowOperationMs: 1_000 });
}

const operation = { kind: "mutation" as const, name: "Buy", fields: ["placeOrder"], codes: [] };
const request: LoggedRequest = {
  transport: "http",
  method: "POST",
  path: "/graphql",
  status: 200,
  operation,
  durationMs: 12.4,
  requestId: "r1",
  traceId: "t1",
  viewer: { kind: "user", id: "u1", email: "a@example.com" } as never,
};
const failed = { ...request, operation: { ...operation, codes: ["SERVICE_UNAVAILABLE"] } };

test("an operation that is fast and has no fault has no line", () => {
  const log = newLog();
  log.done(request);
  log.done({ ...request, operation: { ...operation, codes: ["OUT_OF_STOCK"] } });
  log.done({ ...request, status: undefined });
  expect(lines).toEqual([]);
});

test("a request that was rejected before its headers were read has no request id", () => {
  const log = newLog(true);
  log.done({ ...request, status: 415, requestId: "", traceId: undefined });
  expect(lines[0]?.fields).not.toHaveProperty("request_id");
});

test("a failed operation has one line with its fields", () => {
  newLog().done(failed);
  expect(lines).toEqual([
    {
      level: "warn",
      message: "operation failed",
      fields: {
        transport: "http",
        method: "POST",
        path: "/graphql",
        status: 200,
        operation: "mutation",
        operation_name: "Buy",
        fields: ["placeOrder"],
        codes: ["SERVICE_UNAVAILABLE"],
        duration_ms: 12,
        request_id: "r1",
        trace_id: "t1",
        user_id: "u1",
      },
    },
  ]);
});

test("an operation without a span has the trace id that its actions log, if spans are on", () => {
  const requestId = "0AF76519-16CD-43DD-8448-EB211C80319C";
  const log = newLog();
  recordSpans(false);
  log.done({ ...failed, requestId, traceId: undefined });
  recordSpans(true);
  log.done({ ...failed, requestId, traceId: undefined });
  log.done({ ...failed, requestId: "", traceId: undefined });
  log.done({ ...failed, requestId, traceId: undefined, transport: "websocket" });
  recordSpans(false);
  expect(lines.map(({ fields }) => fields.trace_id)).toEqual([
    undefined,
    "0af7651916cd43dd8448eb211c80319c",
    undefined,
    undefined,
  ]);
});

test("an operation is slow from SLOW_OPERATION_MS, and a response with 503 is failed", () => {
  const log = newLog();
  log.done({ ...request, durationMs: 1_000 });
  log.done({ ...request, durationMs: 999 });
  log.done({ transport: "http", status: 503, durationMs: 0 });
  expect(lines.map(({ message }) => message)).toEqual(["operation slow", "operation failed"]);
});

test("the text of a client is limited", () => {
  newLog().done({
    ...failed,
    operation: {
      kind: "query",
      name: "N".repeat(1_000),
      fields: Array.from({ length: 100 }, () => "product"),
      codes: failed.operation.codes,
    },
  });
  const [line] = lines;
  expect(line?.fields.operation_name).toHaveLength(80);
  expect(line?.fields.fields).toHaveLength(10);
});

test("a flood of failures has 20 lines per second, and then the number of the others", () => {
  const log = newLog();
  for (let count = 0; count < 50; count += 1) log.done(failed);
  log.fault("r2", new Error("down"));
  expect(lines).toHaveLength(20);
  jest.advanceTimersByTime(1_000);
  expect(lines.at(-1)).toEqual({
    level: "warn",
    message: "31 lines about slow or failed operations were left out of the log.",
    fields: { left_out: 31 },
  });
  log.done(failed);
  log.fault("r2", new Error("down"));
  expect(lines.slice(21).map(({ message }) => message)).toEqual([
    "operation failed",
    "request r2 failed",
  ]);
  jest.advanceTimersByTime(5_000);
  expect(lines).toHaveLength(23);
});

test("the access log has a line for each request, also in a flood", () => {
  const log = newLog(true);
  log.done(request);
  for (let count = 0; count < 50; count += 1) log.done(failed);
  expect(lines).toHaveLength(51);
  expect(lines[0]).toMatchObject({ level: "info", message: "request", fields: { status: 200 } });
});
