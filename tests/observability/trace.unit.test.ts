import { describe, expect, test } from "@jest/globals";
import { traceMiddleware } from "../../middlewares/trace.middleware.ts";
import { currentAction, traceIdOf, traceparent } from "../../core/tracing/trace.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const callId = "01890a5d-ac96-774b-bcce-b302099a8057";

/** Returns the traceparent within a call. */
const within = (call: { id: string; requestID: string | null }) =>
  currentAction.run(call, traceparent);

describe("the traceparent", () => {
  test("is undefined outside an action", () => {
    expect(traceparent()).toBeUndefined();
  });

  test("has the trace of the request and the span of the call", () => {
    expect(within({ id: callId, requestID: traceId })).toBe(`00-${traceId}-01890a5dac96774b-00`);
  });

  test("has the same trace and different spans for the calls of a request", () => {
    const other = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
    expect([callId, other].map((id) => within({ id, requestID: traceId }))).toEqual([
      `00-${traceId}-01890a5dac96774b-00`,
      `00-${traceId}-f47ac10b58cc4372-00`,
    ]);
  });

  test("uses a UUID request id as the trace id, in lower case", () => {
    const requestID = "0AF76519-16CD-43DD-8448-EB211C80319C";
    expect(within({ id: callId, requestID })).toContain(`-${traceId}-`);
  });

  test("starts a trace with the call when there is no request id", () => {
    expect(within({ id: callId, requestID: null })).toBe(
      "00-01890a5dac96774bbcceb302099a8057-01890a5dac96774b-00",
    );
  });

  test.each(["order-4711", "x", "zz".repeat(16), `${traceId}0`])(
    "of the request id %s is a valid, stable hash of the id",
    (requestID) => {
      const header = within({ id: callId, requestID });
      expect(header).toMatch(/^00-[0-9a-f]{32}-01890a5dac96774b-00$/);
      expect(within({ id: callId, requestID })).toBe(header);
      expect(within({ id: callId, requestID: `${requestID}!` })).not.toBe(header);
    },
  );

  test("stays set across awaits of the action, and is unset after it", async () => {
    const seen: (string | undefined)[] = [];
    const handler = async () => {
      await new Promise(setImmediate);
      seen.push(traceparent());
    };
    const wrap = traceMiddleware(false).localAction as unknown as (
      next: typeof handler,
      action: { name: string },
    ) => (ctx: object) => Promise<unknown>;
    const action = wrap(handler, { name: "orders.place" });
    const calls = ["a", "b"].map((digit) => ({
      id: callId,
      requestID: digit.repeat(32),
      broker: {},
    }));
    await Promise.all(calls.map((call) => action(call)));
    expect(seen).toEqual([
      `00-${"a".repeat(32)}-01890a5dac96774b-00`,
      `00-${"b".repeat(32)}-01890a5dac96774b-00`,
    ]);
    expect(traceparent()).toBeUndefined();
  });
});

describe("a traceparent header", () => {
  test.each([`00-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-00`])(
    "gives its trace id: %s",
    (header) => {
      expect(traceIdOf(header)).toBe(traceId);
    },
  );

  test("of a later version may have more fields", () => {
    expect(traceIdOf(`01-${traceId}-${spanId}-01-more`)).toBe(traceId);
  });

  test.each<[string, unknown]>([
    ["undefined", undefined],
    ["a list", [`00-${traceId}-${spanId}-01`]],
    ["empty", ""],
    ["with an all-zero trace id", `00-${"0".repeat(32)}-${spanId}-01`],
    ["in capital letters", `00-${traceId.toUpperCase()}-${spanId}-01`],
    ["with a short trace id", `00-${traceId.slice(1)}-${spanId}-01`],
    ["with a long span id", `00-${traceId}-${spanId}0-01`],
    ["without flags", `00-${traceId}-${spanId}`],
    ["with a leading space", ` 00-${traceId}-${spanId}-01`],
    ["with an all-zero span id", `00-${traceId}-${"0".repeat(16)}-01`],
    ["of the invalid version ff", `ff-${traceId}-${spanId}-01`],
    ["with more fields than its version has", `00-${traceId}-${spanId}-01-more`],
  ])("that is %s is ignored", (_title, header) => {
    expect(traceIdOf(header)).toBeUndefined();
  });
});
