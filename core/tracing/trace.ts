import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { activeSpan, areSpansOn, isSampled, withoutSpan } from "./spans.ts";

/** The action that runs in the current asynchronous context; set by the trace middleware. */
export const currentAction = new AsyncLocalStorage<{ id: string; requestID: string | null }>();

/** The ids of the current span, or else of the current action. */
function currentIds(): { traceId: string; spanId: string; flags: string } | undefined {
  const span = activeSpan();
  if (span !== undefined) {
    const { traceId, spanId } = span;
    return { traceId, spanId, flags: isSampled(span) ? "01" : "00" };
  }
  const action = currentAction.getStore();
  if (action === undefined) return undefined;
  const { id, requestID } = action;
  return { traceId: hex(requestID ?? id, 32), spanId: hex(id, 16), flags: "00" };
}

/**
 * Returns the `traceparent` (W3C Trace Context) of the current span. Without spans, the trace id is
 * the request's id and the span id is the call's. Undefined outside of an action.
 */
export function traceparent(): string | undefined {
  const ids = currentIds();
  return ids && `00-${ids.traceId}-${ids.spanId}-${ids.flags}`;
}

/**
 * Returns the trace id that the actions of a request log and record if it has no span; undefined if
 * spans are off.
 */
export function traceIdWithoutSpan(requestId: string): string | undefined {
  return areSpansOn() ? hex(requestId, 32) : undefined;
}

/** Runs work outside of the current action and span, so that its log lines have no trace ids. */
export function withoutTrace(work: () => void): void {
  currentAction.exit(() => {
    withoutSpan(work);
  });
}

/** The fields of a log line that name its trace: none outside of an action. */
export function currentTraceIds(): { trace_id?: string; span_id?: string } {
  const ids = currentIds();
  return ids === undefined ? {} : { trace_id: ids.traceId, span_id: ids.spanId };
}

/** Returns the trace id of a `traceparent` header, or undefined if the header is invalid. */
export function traceIdOf(header: unknown): string | undefined {
  if (typeof header !== "string") return undefined;
  // Versions after 00 may add fields. The version ff and ids of zeros are invalid.
  const form = /^(?!ff)([0-9a-f]{2})-(?!0+-)([0-9a-f]{32})-(?!0+-)[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
  const [, version, id, further] = form.exec(header) ?? [];
  return version === "00" && further !== undefined ? undefined : id;
}

/** Returns hex digits of an id, which is a UUID or a text of the client's choice. */
function hex(id: string, length: number): string {
  const digits = id.replaceAll("-", "").toLowerCase();
  const usable = /^[0-9a-f]{32}$/.test(digits);
  return (usable ? digits : createHash("sha256").update(id).digest("hex")).slice(0, length);
}
