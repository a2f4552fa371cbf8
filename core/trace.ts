import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";

/** Which action is at work in this asynchronous flow; set by the trace middleware. */
export const currentTrace = new AsyncLocalStorage<{ id: string; requestID: string | null }>();

/**
 * The `traceparent` of the action at work, by W3C Trace Context: the trace is the request's id, the
 * span the call's. Undefined outside of any action.
 */
export function traceparent(): string | undefined {
  const call = currentTrace.getStore();
  if (call === undefined) return undefined;
  return `00-${hex(call.requestID ?? call.id, 32)}-${hex(call.id, 16)}-01`;
}

/** The trace id of a valid `traceparent` header. */
export function traceIdOf(header: unknown): string | undefined {
  if (typeof header !== "string") return undefined;
  // Versions after 00 may add fields; ff is none, and neither is an id of zeros.
  const form = /^(?!ff)([0-9a-f]{2})-(?!0+-)([0-9a-f]{32})-(?!0+-)[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
  const [, version, id, further] = form.exec(header) ?? [];
  return version === "00" && further !== undefined ? undefined : id;
}

/** Ids are UUIDs, or names that clients chose. */
function hex(id: string, length: number): string {
  const digits = id.replaceAll("-", "").toLowerCase();
  const usable = /^[0-9a-f]{32}$/.test(digits);
  return (usable ? digits : createHash("sha256").update(id).digest("hex")).slice(0, length);
}
