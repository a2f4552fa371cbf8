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
import { startTrace } from "./sampling.ts";

/** The most calls or events that the span of a batch links to. */
const maxLinks = 128;

const tracerName = "shop-cluster";
let tracer = trace.getTracer(tracerName);
let isOn = false;
/** The headers that the propagators of the SDK read. */
let headerNames: readonly string[] = [];

/**
 * Turns spans on, after the SDK has been started, or off. Without them, the functions below only run
 * the work.
 */
export function recordSpans(on: boolean): void {
  isOn = on;
  if (!on) return;
  tracer = trace.getTracer(tracerName);
  headerNames = propagation.fields();
}

/** Returns true if spans are on. Most traces still have none, because they are not sampled. */
export function areSpansOn(): boolean {
  return isOn;
}

/** Returns the ids of the current span; undefined without one, so also in an unsampled trace. */
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
  work: (span: Span | undefined) => Promise<Result>,
  parent?: TraceContext,
): Promise<Result> {
  if (!isOn) return work(undefined);
  const outer = parent ?? context.active();
  return spanOf(outer) === undefined ? work(undefined) : inSpan(name, options, work, outer);
}

export function isSampled(span: SpanContext | undefined): boolean {
  return span !== undefined && (span.traceFlags & TraceFlags.SAMPLED) !== 0;
}

/**
 * Runs work in a span, which is the parent of the spans in it. The span ends with the work.
 *
 * Work in a trace that is not sampled has no span and no context: most requests are not sampled, and
 * contexts would cost each of them more than its metrics and logs. Its calls pass no headers, so that
 * other nodes make no spans either. Its ids come from the request, as without traces.
 *
 * @param name low in cardinality: kinds of operations, no ids
 * @param options kind, attributes and links; called only for a span that is made
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
  const isFirst = spanOf(outer) === undefined;
  const span = isFirst
    ? startTrace(tracer, name, options, outer)
    : tracer.startSpan(name, options(), outer);
  if (span?.isRecording() !== true) return outsideSpans(work);
  return context.with(trace.setSpan(outer, span), () => untilEnded(span, work));
}

/** Runs work that was begun in the span of another request, or in none. */
function outsideSpans<Result>(work: (span: undefined) => Promise<Result>): Promise<Result> {
  if (context.active() === ROOT_CONTEXT) return work(undefined);
  return context.with(ROOT_CONTEXT, work, undefined, undefined);
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

/** The current span, to continue its trace in a batch; undefined without one. */
export function callerContext(): TraceContext | undefined {
  if (!isOn) return undefined;
  const active = context.active();
  return active === ROOT_CONTEXT ? undefined : active;
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
  const [first, ...others] = sampled as TraceContext[];
  if (first === undefined) return outsideSpans(work);
  if (others.length === 0) return context.with(first, work);
  const attributes = { "messaging.batch.message_count": callers.length };
  return inSpan(name, () => ({ attributes, links: linksTo(others) }), work, first);
}

/**
 * Runs work on events in the trace of the first sampled one. The span links to all sampled traces.
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
  const headers = traceparents().filter((traceparent) => traceparent !== undefined);
  const causes = headers.map(contextOfEvent).filter((cause) => cause !== ROOT_CONTEXT);
  const [first] = causes;
  if (first === undefined && headers.length > 0) return outsideSpans(work);
  const spanOptions = () => ({ ...options(), links: linksTo(causes) });
  return inSpan(name, spanOptions, work, first ?? ROOT_CONTEXT);
}

/** The `traceparent` that the shop gives to an event of a sampled trace. */
const sampledTraceparent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f][13579bdf]$/;

/**
 * Returns the context of the request that caused an event; the empty one if that request is not
 * sampled. `OTEL_PROPAGATORS` chooses the headers of calls; the form of stored events stays.
 *
 * @param traceparent of the event
 */
export function contextOfEvent(traceparent: string | null): TraceContext {
  const [, traceId, spanId] = sampledTraceparent.exec(traceparent ?? "") ?? [];
  if (!isOn || traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  const cause = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return trace.setSpanContext(ROOT_CONTEXT, cause);
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
  const hasNone = !isOn || !headerNames.some((name) => name in headers);
  return hasNone ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, headers);
}

/** Returns the metadata of a call with the W3C headers of the current span, if there is one. */
export function addTraceHeaders<Meta extends object>(meta: Meta): Meta {
  if (callerContext() === undefined) return meta;
  const carrier = { ...meta };
  propagation.inject(context.active(), carrier);
  return carrier;
}
