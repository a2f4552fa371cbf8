import type { IncomingMessage } from "node:http";
import { activeSpan } from "../../../core/tracing/spans.ts";
import { traceIdOf } from "../../../core/tracing/trace.ts";

/** Options of a call with the request id of a request; without one if the call gets a new id. */
export function requestIdOptions(req: IncomingMessage): { requestID?: string } {
  const options: { requestID?: string } = {};
  const { "x-request-id": requestID } = req.headers;
  if (typeof requestID === "string") options.requestID = requestID;
  setRequestId(options, req);
  return options;
}

/**
 * Sets the request id: the client's trace id, or else its `x-request-id`, or else the id of a new
 * trace. The id appears in logs and responses, so only a harmless client id is accepted.
 */
export function setRequestId(options: { requestID?: string }, { headers }: IncomingMessage) {
  const traceId = traceIdOf(headers.traceparent);
  if (traceId !== undefined) options.requestID = traceId;
  else if (!/^[\w-]{1,64}$/.test(options.requestID ?? "")) {
    const span = activeSpan();
    if (span !== undefined) options.requestID = span.traceId;
    else delete options.requestID;
  }
}
