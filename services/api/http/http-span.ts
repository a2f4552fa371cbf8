import type { IncomingMessage, ServerResponse } from "node:http";
import { SpanKind, SpanStatusCode, type Span } from "@opentelemetry/api";
import { contextOfHeaders, inSpan } from "../../../core/tracing/spans.ts";

/**
 * Answers a request in a span, which continues the client's trace (W3C Trace Context). The span
 * follows OpenTelemetry's conventions for HTTP servers. It has no query string, which may contain a
 * document, and no address.
 *
 * @param route the path without parts that clients choose; undefined if it is not known
 */
export function inHttpSpan(
  req: IncomingMessage,
  res: ServerResponse,
  route: string | undefined,
  answer: () => Promise<void>,
): Promise<void> {
  const method = req.method ?? "";
  return inSpan(
    route === undefined ? method : `${method} ${route}`,
    () => server,
    (span) => (span === undefined ? answer() : answerIn(span, { method, route, res, answer })),
    contextOfHeaders(req.headers),
  );
}

const server = { kind: SpanKind.SERVER };

interface Exchange {
  method: string;
  route: string | undefined;
  res: ServerResponse;
  answer: () => Promise<void>;
}

/** Most requests are not sampled, so the attributes are made for a recorded span only. */
async function answerIn(span: Span, { method, route, res, answer }: Exchange): Promise<void> {
  span.setAttributes({
    "http.request.method": method,
    "url.scheme": "http",
    ...(route !== undefined && { "http.route": route, "url.path": route }),
  });
  await answer();
  // The client has disconnected, and got no status.
  if (res.destroyed && !res.headersSent) return;
  span.setAttribute("http.response.status_code", res.statusCode);
  if (res.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
}
