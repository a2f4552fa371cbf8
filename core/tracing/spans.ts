import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context as TraceContext,
  type Span,
  type SpanContext,
  type SpanOptions,
} from "@opentelemetry/api";
import { codeOf, isClientError } from "../errors.ts";

/** The most calls or events that the span of a batch links to. */
const maxLinks = 128;

const tracerName = "shop-cluster";
let tracer = trace.getTracer(tracerName);
let isOn = false;

/**
 * Turns spans on, after the SDK has been started, or off. Without them, the functions below only run
 * the work.
 */
export function recordSpans(on: boolean): void {
  isOn = on;
  if (on) tracer = trace.getTracer(tracerName);
}

/** Returns the ids of the current span; undefined without one. */
export function activeSpan(): SpanContext | undefined {
  return isOn ? trace.getActiveSpan()?.spanContext() : undefined;
}

/** Runs work outside of the current span. */
export function withoutSpan(work: () => void): void {
  context.with(ROOT_CONTEXT, work);
}

/**
 * Like `inSpan`, but without a span where there is no parent: the gateway begins traces, and
 * background work has none.
 */
export function inChildSpan<Result>(
  name: string,
  options: () => SpanOptions,
  work: () => Promise<Result>,
  parent?: TraceContext,
): Promise<Result> {
  if (!isOn || spanOf(parent ?? context.active()) === undefined) return work();
  return inSpan(name, options, work, parent);
}

export function isSampled(span: SpanContext | undefined): boolean {
  return span !== undefined && (span.traceFlags & TraceFlags.SAMPLED) !== 0;
}

/**
 * Runs work in a span, which is the parent of the spans in it. The span ends with the work. There is
 * no span in a trace that is not sampled: only its ids are passed on.
 *
 * @param name low in cardinality: kinds of operations, no ids
 * @param options kind, attributes and links; called only if the sampler is asked
 * @param parent instead of the current span
 */
export function inSpan<Result>(
  name: string,
  options: () => SpanOptions,
  work: (span: Span | undefined) => Promise<Result>,
  parent?: TraceContext,
): Promise<Result> {
  if (!isOn) return work(undefined);
  const outer = parent ?? context.active();
  const caller = spanOf(outer);
  // The sampler decides once per request and node. Most requests are not sampled, and each context
  // and span would cost them more than the work.
  if (caller !== undefined && caller.isRemote !== true && !isSampled(caller)) {
    return parent === undefined
      ? work(undefined)
      : context.with(parent, work, undefined, undefined);
  }
  const span = tracer.startSpan(name, options(), outer);
  const inner = trace.setSpan(outer, span);
  if (!span.isRecording()) return context.with(inner, work, undefined, undefined);
  return context.with(inner, () => untilEnded(span, work));
}

async function untilEnded<Result>(
  span: Span,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(span);
  } catch (error) {
    fail(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Marks a span as failed. Names only the kind of the error: its message may quote input. */
function fail(span: Span, error: unknown): void {
  const { name } = (error ?? {}) as { name?: string };
  span.setAttribute("error.type", codeOf(error) ?? name ?? "error");
  if (!isClientError(error)) span.setStatus({ code: SpanStatusCode.ERROR });
}

/** The current span, to continue its trace in a batch; undefined if spans are off. */
export function callerContext(): TraceContext | undefined {
  return isOn ? context.active() : undefined;
}

/**
 * Runs work for several callers in the trace of the first sampled one. The span links to the others.
 * There is no further span if there are no others.
 *
 * @param callers results of `callerContext`
 */
export function inBatchSpan<Result>(
  name: string,
  callers: readonly (TraceContext | undefined)[],
  work: () => Promise<Result>,
): Promise<Result> {
  if (!isOn) return work();
  // The items of one call have the same caller.
  const distinct = [...new Set(callers)];
  const sampled = distinct.filter((caller) => caller !== undefined && isSampled(spanOf(caller)));
  const [first = ROOT_CONTEXT, ...others] = sampled as TraceContext[];
  if (others.length === 0) return context.with(first, work);
  const attributes = { "messaging.batch.message_count": callers.length };
  return inSpan(name, () => ({ attributes, links: linksTo(others) }), work, first);
}

/**
 * Runs work on events in the trace of the first sampled one. The span links to the traces of all.
 * There is no span if no trace is sampled.
 *
 * @param traceparents of the events
 */
export function inEventsSpan<Result>(
  name: string,
  options: () => SpanOptions,
  traceparents: () => readonly (string | undefined)[],
  work: () => Promise<Result>,
): Promise<Result> {
  if (!isOn) return work();
  const causes = traceparents()
    .filter((traceparent) => traceparent !== undefined)
    .map((traceparent) => contextOfHeaders({ traceparent }));
  const sampled = causes.find((cause) => isSampled(spanOf(cause)));
  const [first] = causes;
  if (sampled === undefined && first !== undefined) return context.with(first, work);
  const spanOptions = () => ({ ...options(), links: linksTo(causes) });
  return inSpan(name, spanOptions, work, sampled ?? ROOT_CONTEXT);
}

function spanOf(caller: TraceContext): SpanContext | undefined {
  return trace.getSpanContext(caller);
}

function linksTo(callers: readonly TraceContext[]): { context: SpanContext }[] {
  const spans = callers.map(spanOf).filter((span) => span !== undefined);
  return spans.slice(0, maxLinks).map((context) => ({ context }));
}

/** Returns the context that W3C headers such as `traceparent` describe. */
export function contextOfHeaders(headers: object): TraceContext {
  return isOn ? propagation.extract(ROOT_CONTEXT, headers) : ROOT_CONTEXT;
}

/** Returns the metadata of a call with the W3C headers of the current span. */
export function addTraceHeaders<Meta extends object>(meta: Meta): Meta {
  if (!isOn) return meta;
  const carrier = { ...meta };
  propagation.inject(context.active(), carrier);
  return carrier;
}
