import type { IncomingMessage, ServerResponse } from "node:http";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
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
    () => ({
      kind: SpanKind.SERVER,
      attributes: {
        "http.request.method": method,
        "url.scheme": "http",
        ...(route !== undefined && { "http.route": route, "url.path": route }),
      },
    }),
    async (span) => {
      await answer();
      span?.setAttribute("http.response.status_code", res.statusCode);
      if (res.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    },
    contextOfHeaders(req.headers),
  );
}
