import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { context, propagation, SpanStatusCode, type Context } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { badUserInput } from "../../core/errors.ts";
import { Batcher } from "../../core/tasks/batcher.ts";
import {
  activeSpan,
  addTraceHeaders,
  callerContext,
  contextOfEvent,
  contextOfHeaders,
  inBatchSpan,
  inChildSpan,
  inEventsSpan,
  inSpan,
  recordSpans,
} from "../../core/tracing/spans.ts";
import { currentTraceIds, traceparent as currentTraceparent } from "../../core/tracing/trace.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
const otherTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

describe("with spans off", () => {
  beforeEach(() => {
    recordSpans(false);
  });

  test("the work runs without a span, and no header is added to a call", async () => {
    const meta = { viewer: "x" };
    const work = async () => [activeSpan(), callerContext(), addTraceHeaders(meta) === meta];
    const expected = [undefined, undefined, true];
    expect(await inSpan("a", fail, work)).toEqual(expected);
    expect(await inChildSpan("a", fail, work)).toEqual(expected);
    expect(await inBatchSpan("a", [], work)).toEqual(expected);
    expect(await inEventsSpan("a", fail, fail, work)).toEqual(expected);
  });
});

describe("with spans on", () => {
  interface Ended {
    name: string;
    attributes: Record<string, unknown>;
    status: { code: number; message?: string };
    links: { context: { spanId: string } }[];
    parentSpanContext?: { spanId: string };
    spanContext(): { traceId: string; spanId: string };
  }
  let ended: Ended[] = [];
  const keep = {
    onStart: () => undefined,
    onEnd: (span: unknown) => void ended.push(span as Ended),
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const sdk = new NodeSDK({ spanProcessors: [keep], metricReaders: [], logRecordProcessors: [] });

  beforeAll(() => {
    sdk.start();
  });
  beforeEach(() => {
    ended = [];
    recordSpans(true);
  });
  afterAll(async () => {
    recordSpans(false);
    await sdk.shutdown();
  });

  const options = () => ({});
  const traces = () => ended.map((span) => span.spanContext().traceId);

  test("a span continues the trace of the headers, and calls carry the span", async () => {
    const meta = await inSpan(
      "a",
      options,
      async () => addTraceHeaders({}),
      contextOfHeaders({ traceparent }),
    );
    const [span] = ended;
    const spanId = span?.spanContext().spanId ?? "";
    expect(meta).toEqual({ traceparent: `00-${traceId}-${spanId}-01` });
    expect(span?.parentSpanContext?.spanId).toBe("00f067aa0ba902b7");
  });

  test.each(["", "00-zz-00f067aa0ba902b7-01", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`])(
    "the invalid header %p begins a new trace",
    async (invalid) => {
      await inSpan("a", options, async () => undefined, contextOfHeaders({ traceparent: invalid }));
      expect(ended).toHaveLength(1);
      expect(ended[0]?.parentSpanContext).toBeUndefined();
    },
  );

  test("a trace that its client does not sample has no spans, here and on other nodes", async () => {
    const call = async () =>
      inChildSpan(
        "a call",
        fail,
        async () => [addTraceHeaders({}), activeSpan(), callerContext()],
        contextOfHeaders(addTraceHeaders({})),
      );
    const parent = contextOfHeaders({ traceparent: unsampled });
    expect(await inSpan("a", options, call, parent)).toEqual([{}, undefined, undefined]);
    expect(ended).toEqual([]);
  });

  test("work of an unsampled trace that begins in the span of another trace has no span", async () => {
    const parent = contextOfHeaders({ traceparent: unsampled });
    const other = () => inSpan("b", options, async () => activeSpan(), parent);
    expect(await inSpan("a", options, other)).toBeUndefined();
    expect(ended.map(({ name }) => name)).toEqual(["a"]);
  });

  test("background work without a parent has no span", async () => {
    await inChildSpan("a", options, async () => undefined);
    expect(ended).toEqual([]);
    await inSpan("a", options, () => inChildSpan("b", options, async () => undefined));
    expect(ended.map(({ name }) => name)).toEqual(["b", "a"]);
  });

  test("a fault marks the span as failed, a client error does not; neither message is exported", async () => {
    const fault = Object.assign(new Error("a@b.c"), { code: "42P01" });
    await expect(inSpan("a", options, () => Promise.reject(fault))).rejects.toBe(fault);
    const error = badUserInput([{ field: "email", message: "a@b.c" }]);
    await expect(inSpan("b", options, () => Promise.reject(error))).rejects.toBe(error);
    const [failed, rejected] = ended;
    expect(failed?.attributes).toEqual({ "error.type": "42P01" });
    expect(failed?.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(rejected?.attributes).toEqual({ "error.type": "BAD_USER_INPUT" });
    expect(rejected?.status).toEqual({ code: SpanStatusCode.UNSET });
  });

  test("a batch belongs to the first sampled trace, and links to the others", async () => {
    const batcher = new Batcher<string, string>(
      (items) => inSpan("work", options, async () => items),
      {
        maxItems: 10,
        maxBatchesInFlight: 1,
      },
    );
    const add = (header: string) =>
      context.with(contextOfHeaders({ traceparent: header }), () => batcher.add(header));
    await Promise.all([add(unsampled), add(traceparent), add(otherTrace)]);
    expect(ended.map(({ name }) => name)).toEqual(["work", "batch"]);
    expect(traces()).toEqual([traceId, traceId]);
    expect(ended[1]?.links.map(({ context: { spanId } }) => spanId)).toEqual(["b7ad6b7169203331"]);
  });

  test.each([1, 3])(
    "the batch of one caller, with items: %d, has no span of its own",
    async (items) => {
      const callers = Array<Context>(items).fill(contextOfHeaders({ traceparent }));
      await inBatchSpan("batch", callers, () => inSpan("work", options, async () => undefined));
      expect(ended.map(({ name }) => name)).toEqual(["work"]);
      expect(traces()).toEqual([traceId]);
    },
  );

  test("events are applied in the trace of the first sampled one, with links to all sampled ones", async () => {
    const events = () => [undefined, unsampled, traceparent, otherTrace];
    await inEventsSpan("process", options, events, async () => undefined);
    expect(traces()).toEqual([traceId]);
    const linked = ended[0]?.links.map(({ context }) => context.spanId);
    expect(linked).toEqual([traceparent, otherTrace].map((header) => header.split("-")[2]));
  });

  test("events continue their trace whatever headers the propagators read", async () => {
    propagation.disable();
    recordSpans(true);
    await inEventsSpan(
      "process",
      options,
      () => [traceparent],
      async () => undefined,
    );
    expect(traces()).toEqual([traceId]);
    await inChildSpan("send", options, async () => undefined, contextOfEvent(unsampled));
    await inChildSpan("send", options, async () => undefined, contextOfEvent(null));
    expect(ended.map(({ name }) => name)).toEqual(["process"]);
  });

  test("events of unsampled traces are applied without a span", async () => {
    const apply = async () => activeSpan();
    const inOther = () => inEventsSpan("process", fail, () => [undefined, unsampled], apply);
    expect(await inSpan("a", options, inOther)).toBeUndefined();
    expect(ended.map(({ name }) => name)).toEqual(["a"]);
  });

  test("the current span has the ids that events and log lines carry", async () => {
    const found = await inSpan("a", options, async () => ({
      header: currentTraceparent(),
      line: currentTraceIds(),
    }));
    const { traceId, spanId } = ended[0]?.spanContext() ?? { traceId: "", spanId: "" };
    expect(found).toEqual({
      header: `00-${traceId}-${spanId}-01`,
      line: { trace_id: traceId, span_id: spanId },
    });
  });
});

/** Options that must not be made. */
function fail(): never {
  throw new Error("made");
}
