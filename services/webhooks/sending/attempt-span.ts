import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { contextOfEvent, inChildSpan } from "../../../core/tracing/spans.ts";
import type { ClaimedDelivery } from "./claim-deliveries.ts";
import type { EndpointAnswer } from "./send-webhook.ts";

/**
 * Sends a delivery in a span of the trace that caused its event; without a span if there is no trace,
 * or it is not sampled. The span follows OpenTelemetry's conventions for HTTP clients. It has no URL,
 * which may contain a secret. The request carries no `traceparent`: the endpoint belongs to others.
 */
export function inAttemptSpan(
  { attempts, traceparent }: Pick<ClaimedDelivery, "attempts" | "traceparent">,
  send: () => Promise<EndpointAnswer>,
): Promise<EndpointAnswer> {
  return inChildSpan(
    "POST webhook",
    () => ({
      kind: SpanKind.CLIENT,
      attributes: {
        "http.request.method": "POST",
        ...(attempts > 0 && { "http.request.resend_count": attempts }),
      },
    }),
    async (span) => {
      const answer = await send();
      if (answer.status !== null) span?.setAttribute("http.response.status_code", answer.status);
      if (answer.error !== null) {
        span?.setAttribute("error.type", answer.status?.toString() ?? "no_answer");
        span?.setStatus({ code: SpanStatusCode.ERROR });
      }
      return answer;
    },
    contextOfEvent(traceparent),
  );
}
