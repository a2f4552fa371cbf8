import { describe, expect, test } from "@jest/globals";
import { traceMiddleware } from "../../middlewares/trace.middleware.ts";
import { currentTrace, traceIdOf, traceparent } from "../../core/trace.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const callId = "01890a5d-ac96-774b-bcce-b302099a8057";

/** The traceparent within a call. */
const within = (call: { id: string; requestID: string | null }) =>
  currentTrace.run(call, traceparent);

describe("the trace of an action at work", () => {
  test("is none outside of any action", () => {
    expect(traceparent()).toBeUndefined();
  });

  test("is its request's, and the span is the call's", () => {
    expect(within({ id: callId, requestID: traceId })).toBe(`00-${traceId}-01890a5dac96774b-01`);
  });

  test("is the same for every call of a request, each with a span of its own", () => {
    const other = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
    expect([callId, other].map((id) => within({ id, requestID: traceId }))).toEqual([
      `00-${traceId}-01890a5dac96774b-01`,
      `00-${traceId}-f47ac10b58cc4372-01`,
    ]);
  });

  test("takes a UUID as it is, whatever its case", () => {
    const requestID = "0AF76519-16CD-43DD-8448-EB211C80319C";
    expect(within({ id: callId, requestID })).toContain(`-${traceId}-`);
  });

  test("begins with the call itself where there is no request", () => {
    expect(within({ id: callId, requestID: null })).toBe(
      "00-01890a5dac96774bbcceb302099a8057-01890a5dac96774b-01",
    );
  });

  test.each(["order-4711", "x", "zz".repeat(16), `${traceId}0`])(
    "of a request called %s is made of the name, always the same, and valid",
    (requestID) => {
      const header = within({ id: callId, requestID });
      expect(header).toMatch(/^00-[0-9a-f]{32}-01890a5dac96774b-01$/);
      expect(within({ id: callId, requestID })).toBe(header);
      expect(within({ id: callId, requestID: `${requestID}!` })).not.toBe(header);
    },
  );

  test("goes on through everything that the action waits for, and ends with it", async () => {
    const seen: (string | undefined)[] = [];
    const handler = async () => {
      await new Promise(setImmediate);
      seen.push(traceparent());
    };
    const wrap = traceMiddleware().localAction as unknown as (
      next: typeof handler,
    ) => (ctx: { id: string; requestID: string }) => Promise<unknown>;
    const action = wrap(handler);
    const calls = ["a", "b"].map((digit) => ({ id: callId, requestID: digit.repeat(32) }));
    await Promise.all(calls.map((call) => action(call)));
    expect(seen).toEqual([
      `00-${"a".repeat(32)}-01890a5dac96774b-01`,
      `00-${"b".repeat(32)}-01890a5dac96774b-01`,
    ]);
    expect(traceparent()).toBeUndefined();
  });
});

describe("a traceparent header", () => {
  test.each([`00-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-00`])(
    "names its trace: %s",
    (header) => {
      expect(traceIdOf(header)).toBe(traceId);
    },
  );

  test("of a later version may say more", () => {
    expect(traceIdOf(`01-${traceId}-${spanId}-01-more`)).toBe(traceId);
  });

  test.each<[string, unknown]>([
    ["none at all", undefined],
    ["several of them", [`00-${traceId}-${spanId}-01`]],
    ["an empty one", ""],
    ["a trace of nothing but zeros", `00-${"0".repeat(32)}-${spanId}-01`],
    ["capital letters", `00-${traceId.toUpperCase()}-${spanId}-01`],
    ["a trace that is too short", `00-${traceId.slice(1)}-${spanId}-01`],
    ["a span that is too long", `00-${traceId}-${spanId}0-01`],
    ["no flags", `00-${traceId}-${spanId}`],
    ["something before it", ` 00-${traceId}-${spanId}-01`],
    ["a span of nothing but zeros", `00-${traceId}-${"0".repeat(16)}-01`],
    ["the version that no version may have", `ff-${traceId}-${spanId}-01`],
    ["more than its version knows", `00-${traceId}-${spanId}-01-more`],
  ])("that is %s is not taken", (_what, header) => {
    expect(traceIdOf(header)).toBeUndefined();
  });
});
