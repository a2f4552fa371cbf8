import {
  SpanKind,
  type Context as TraceContext,
  type Span,
  type SpanOptions,
  type Tracer,
} from "@opentelemetry/api";
import { pooledRandomHex } from "../ids/random-bytes.ts";

const traceIdDigits = 32;
const spanIdDigits = 16;

/** The id of a trace that is sampled, but has no span yet. */
let sampledTraceId: string | undefined;

/** The generator of ids for the SDK. Without it, the sampler would decide twice about each trace. */
export const traceIds = {
  generateTraceId: () => sampledTraceId ?? pooledRandomHex(traceIdDigits),
  generateSpanId: () => pooledRandomHex(spanIdDigits),
};

/** The part of the SDK's tracer that its types omit. */
interface SamplingTracer extends Tracer {
  _sampler?: {
    shouldSample(
      context: TraceContext,
      traceId: string,
      name: string,
      kind: SpanKind,
      attributes: object,
      links: readonly object[],
    ): { decision: number };
  };
}

/** The decision of a sampler that there is no span. */
const notRecorded = 0;

/**
 * Starts the first span of a trace; returns undefined if the trace is not sampled. It calls the sampler
 * before the SDK does: the SDK first makes ids, attributes and a span, which takes ten times as long,
 * and most requests are not sampled.
 */
export function startTrace(
  tracer: SamplingTracer,
  name: string,
  options: () => SpanOptions,
  outer: TraceContext,
): Span | undefined {
  const traceId = pooledRandomHex(traceIdDigits);
  const result = tracer._sampler?.shouldSample(outer, traceId, name, SpanKind.INTERNAL, {}, []);
  if (result?.decision === notRecorded) return undefined;
  sampledTraceId = traceId;
  try {
    return tracer.startSpan(name, options(), outer);
  } finally {
    sampledTraceId = undefined;
  }
}
