import type { IncomingMessage, ServerResponse } from "node:http";
import type { Viewer } from "../../../../core/access.ts";
import type { Deadline } from "../../limits/deadline.ts";
import type { HeldBytes } from "../../limits/resource-usage.ts";
import type { OperationReport } from "../../observability/operation-metrics.ts";
import type { LoggedRequest } from "../../observability/request-log.ts";
import { streamOf } from "../../subscriptions/transports/event-stream-response.ts";
import type { AnswerType } from "./accepted-type.ts";
import type { RequestBody } from "./request-body.ts";

/** A request and its response, from the request headers until the response is read. */
export interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  /** Whether the client gets only the headers of the response. */
  isHead: boolean;
  /** Response headers, as alternating names and values. */
  headers: string[];
  address: string;
  /** The group of addresses that limits apply to. */
  group: string;
  /** Only of a POST. */
  body: RequestBody | undefined;
  deadline: Deadline;
  held: HeldBytes;
  requestId: string;
  traceId: string | undefined;
  viewer: Viewer | undefined;
  /** The operation after its execution or rejection. */
  operation: OperationReport | undefined;
  /** The time of the execution, with the time in the queues. */
  durationMs: number;
  /** The status that the client got; undefined if it disconnected before. */
  status: number | undefined;
  /** What is over: the handling of the request, and its connection or the sending of its response. */
  isHandled: boolean;
  isClosed: boolean;
}

export interface HttpAnswer {
  status: number;
  type: AnswerType;
  text: string;
}

/** Makes the response of an executed or rejected document. */
export function answerOf(type: AnswerType, text: string, isExecuted: boolean): HttpAnswer {
  // An EventSource cannot read a response with another status.
  if (type === "text/event-stream") return { status: 200, type, text: streamOf(text) };
  // The legacy media type has status 200 for a well-formed request with errors.
  return { status: isExecuted || type === "application/json" ? 200 : 400, type, text };
}

/** Returns what the log says of an exchange that is over. */
export function loggedExchange(exchange: Exchange): LoggedRequest {
  const { req, isHead, status } = exchange;
  const { operation, durationMs, requestId, traceId, viewer } = exchange;
  return {
    transport: "http",
    method: isHead ? "HEAD" : req.method,
    path: "/graphql",
    status,
    operation,
    durationMs,
    requestId,
    traceId,
    viewer,
  };
}

/** Returns the cursor that an EventSource sends when it connects again. */
export function lastEventId({ headers }: IncomingMessage): string | undefined {
  const { "last-event-id": id } = headers;
  return typeof id === "string" && id !== "" ? id : undefined;
}
