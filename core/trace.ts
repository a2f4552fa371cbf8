import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";

/** The action that runs in the current asynchronous context; set by the trace middleware. */
export const currentTrace = new AsyncLocalStorage<{ id: string; requestID: string | null }>();

/**
 * Returns the `traceparent` (W3C Trace Context) of the current action: the trace id is the request's
 * id, the span id is the call's. Undefined outside of an action.
 */
export function traceparent(): string | undefined {
  const call = currentTrace.getStore();
  if (call === undefined) return undefined;
  return `00-${hex(call.requestID ?? call.id, 32)}-${hex(call.id, 16)}-01`;
}

/** The fields of a log line that name its trace: none outside of an action. */
export function currentTraceIds(): { trace_id?: string; span_id?: string } {
  const call = currentTrace.getStore();
  if (call === undefined) return {};
  return { trace_id: hex(call.requestID ?? call.id, 32), span_id: hex(call.id, 16) };
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
