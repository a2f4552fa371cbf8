import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { DatabaseError } from "sequelize";
import { readConfig, clusterNodeDefaults } from "../../config/config.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { LogFields } from "../../core/logging/log-fields.ts";

let lines: string[] = [];
beforeEach(() => {
  lines = [];
  jest.spyOn(process.stdout, "write").mockImplementation((line) => {
    lines.push(line.toString());
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** Runs an action of a node with these settings, and returns the lines that the action logged. */
async function linesOf(env: Record<string, string>, log: (service: Logging) => void) {
  const config = readConfig(env, clusterNodeDefaults);
  const broker = new ServiceBroker({
    ...brokerOptions(config, "test"),
    transporter: null as never,
  });
  broker.createService({
    name: "logging",
    actions: {
      run(this: Logging) {
        lines = [];
        log(this);
        return lines;
      },
    },
  });
  await broker.start();
  try {
    const options = { requestID: traceId };
    return await broker.call<string[], object>("logging.run", {}, options);
  } finally {
    await broker.stop();
  }
}

interface Logging {
  logger: ServiceBroker["logger"];
}
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parse = (line = ""): unknown => JSON.parse(line);

test("fields of a line are properties in JSON, and follow the message in text", async () => {
  const log = ({ logger }: Logging) => {
    logger.warn(new LogFields({ status: 503, codes: ["A"], left: undefined }), "operation failed");
  };
  const [line] = await linesOf({ LOG_FORMAT: "json" }, log);
  expect(parse(line)).toMatchObject({ msg: "operation failed", status: 503, codes: ["A"] });
  expect(line).not.toContain("left");
  const [text] = await linesOf({ LOG_FORMAT: "pretty" }, log);
  expect(text).toMatch(/operation failed\s[^]*status: 503/);
});

test("a JSON line has time, level, service, node, message and the trace of the action", async () => {
  const [line] = await linesOf({ LOG_FORMAT: "json" }, ({ logger }) => {
    logger.warn("stock of", { id: 7 }, 3, undefined);
  });
  expect(parse(line)).toEqual({
    level: "warn",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    namespace: "shop",
    node: expect.stringMatching(/^test-/),
    service: "logging",
    trace_id: traceId,
    span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
    msg: "stock of { id: 7 } 3 undefined",
  });
  expect(line).toMatch(/^[^\n]*\n$/);
});

test("a JSON line has an error with its stack, code and causes, and no other fields", async () => {
  const cause = Object.assign(new Error("column is\nmissing"), { code: "42703", detail: "secret" });
  const fault = Object.assign(new Error("no answer", { cause }), {
    sql: "secret",
    nodeID: "orders-1",
  });
  const [line] = await linesOf({ LOG_FORMAT: "json" }, ({ logger }) => {
    logger.error("the work failed", fault);
  });
  expect(parse(line)).toMatchObject({
    msg: "the work failed",
    err: {
      type: "Error",
      message: "no answer",
      node: "orders-1",
      stack: expect.stringContaining("logger.unit.test"),
      cause: { message: "column is\nmissing", code: "42703" },
    },
  });
  expect(line).not.toContain("secret");
});

test("a database error of Sequelize is logged with its SQLSTATE", async () => {
  const parent = Object.assign(new Error("no table"), { code: "42P01", sql: "secret" });
  const [line] = await linesOf({ LOG_FORMAT: "json" }, ({ logger }) => {
    logger.error("the work failed", new DatabaseError(parent));
  });
  expect(parse(line)).toMatchObject({ err: { type: "SequelizeDatabaseError", code: "42P01" } });
  expect(line).not.toContain("secret");
});

test("an error alone is logged with its message", async () => {
  const [line] = await linesOf({ LOG_FORMAT: "json" }, ({ logger }) => {
    logger.error(new Error("alone"));
  });
  expect(parse(line)).toMatchObject({ msg: "alone", err: { message: "alone" } });
});

test("a packet is logged without its payload", async () => {
  const [line] = await linesOf({ LOG_FORMAT: "json" }, ({ logger }) => {
    logger.warn("unreadable", { type: "REQ", payload: { sender: "orders-1", password: "secret" } });
  });
  expect(parse(line)).toMatchObject({ msg: expect.stringContaining("orders-1") });
  expect(line).not.toContain("secret");
});

test.each(["pretty", "short", "full"])("LOG_FORMAT=%s is text for people", async (format) => {
  const [line] = await linesOf({ LOG_FORMAT: format }, ({ logger }) => {
    logger.error("the work failed", new Error("no answer"));
  });
  expect(line).toMatch(/^\[[-\dT:.]+Z\] ERROR: logging: the work failed\n/);
  expect(line).toContain("no answer");
});

test("without LOG_FORMAT, a node that writes to a file or a pipe logs JSON", async () => {
  const [line] = await linesOf({}, ({ logger }) => {
    logger.info("ready");
  });
  expect(parse(line)).toMatchObject({ msg: "ready" });
});

test("LOG_LEVEL selects the lines", async () => {
  const found = await linesOf({ LOG_LEVEL: "error" }, ({ logger }) => {
    logger.warn("not logged");
    logger.error("logged");
  });
  expect(found.map(parse)).toMatchObject([{ msg: "logged" }]);
});

test("at most 20 warnings about single calls are logged per second, and then their number", async () => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate"] });
  try {
    const config = readConfig({ LOG_FORMAT: "json" }, clusterNodeDefaults);
    const broker = new ServiceBroker({
      ...brokerOptions(config, "test"),
      transporter: null as never,
    });
    lines = [];
    for (let call = 0; call < 50; call += 1) {
      broker.logger.warn("Service 'orders.place' is not available.");
      broker.logger.warn("Request 'orders.place' is timed out.", { requestID: traceId });
      broker.logger.warn("Retry to call 'orders.place' action after 50 ms...", { attempts: 1 });
    }
    broker.logger.warn("Node 'orders-1' is silent: calls go to other nodes.");
    broker.logger.error("Service 'orders.place' is not available.");
    expect(lines).toHaveLength(22);
    lines = [];
    jest.advanceTimersByTime(1_000);
    expect(lines.map((line) => parse(line))).toEqual([
      expect.objectContaining({
        level: "warn",
        left_out: 130,
        msg: "130 warnings about calls were left out of the log.",
      }),
    ]);
    broker.logger.warn("Service 'orders.place' is not available.");
    expect(lines).toHaveLength(2);
  } finally {
    jest.useRealTimers();
  }
});
