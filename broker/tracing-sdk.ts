import { setTimeout as sleep } from "node:timers/promises";
import { diag, DiagLogLevel } from "@opentelemetry/api";
import {
  hostDetector,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from "@opentelemetry/resources";
import { NodeSDK } from "@opentelemetry/sdk-node";
import type { ServiceBroker } from "moleculer";
import { messageOf } from "../core/errors.ts";
import { traceIds } from "../core/tracing/sampling.ts";
import { atMostEvery } from "../core/tasks/at-most-every.ts";
import { recordSpans } from "../core/tracing/spans.ts";
import { withoutTrace } from "../core/tracing/trace.ts";
import { version } from "../core/version.ts";

/** How long a stopping node exports its last spans. Orchestrators kill it some seconds later. */
const flushWithinMs = 2_000;
const reportEveryMs = 60_000;

/**
 * Starts the OpenTelemetry SDK for traces, which reads the standard variables `OTEL_*`. Returns the
 * function that exports the last spans and stops it, at the latest after `flushMs`. This module loads
 * megabytes of code: it is imported only if traces are on.
 */
export function startTracing(
  { logger, nodeID, namespace }: Pick<ServiceBroker, "logger" | "nodeID" | "namespace">,
  flushMs = flushWithinMs,
): () => Promise<void> {
  const isDue = atMostEvery(reportEveryMs);
  const reportFault = (reason: string) => {
    if (!isDue()) return;
    // An export runs in the context of any request.
    withoutTrace(() => {
      logger.warn(
        `Spans could not be exported: ${withoutEnd(reason)}. They are lost; the shop is not affected.`,
      );
    });
  };
  let isStarting = true;
  const report = (message: string, ...details: unknown[]) => {
    if (!isStarting) reportFault(reasonOf(message, details));
    // With `OTEL_LOG_LEVEL`, the SDK writes its messages to the terminal itself.
    else if (!message.startsWith("Current logger will be overwritten")) {
      logger.warn(`OpenTelemetry ignores a setting: ${withoutEnd(message)}.`);
    }
  };
  const ignore = () => undefined;
  diag.setLogger(
    { error: report, warn: report, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({
      "service.name": "shop-cluster",
      "service.version": version,
      "service.namespace": namespace,
      "service.instance.id": nodeID,
    }),
    // Their attributes win. Not those of the process, which has the whole command line.
    resourceDetectors: [hostDetector, resourceAttributesEnvDetector, serviceNameEnvDetector],
    idGenerator: traceIds,
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  isStarting = false;
  recordSpans(true);
  return async () => {
    recordSpans(false);
    const flushed = sdk.shutdown().catch((error: unknown) => {
      reportFault(messageOf(error));
    });
    // The exporter repeats a failed export for much longer.
    await Promise.race([
      flushed,
      sleep(flushMs, undefined, { ref: false }).then(() => {
        reportFault("the last spans were not exported in time");
      }),
    ]);
  };
}

function withoutEnd(sentence: string): string {
  return sentence.replace(/[ .]+$/, "");
}

/** How the SDK begins to say that an answer with the status 200 is none of OpenTelemetry. */
const foreignAnswer = /^(Failed to parse \w+ export response|Export succeeded but could not)/;

/** Returns why an export failed. Some parts of the SDK put the reason beside the message. */
function reasonOf(message: string, details: readonly unknown[]): string {
  const detail = typeof details[0] === "string" ? details[0] : "";
  if (foreignAnswer.test(message) || foreignAnswer.test(detail)) {
    return "the answer is not one of OpenTelemetry, so the address may be that of another server";
  }
  if (message.startsWith("Received Partial Success")) {
    return `the collector accepted only a part (${detail})`;
  }
  return message.startsWith("{") ? reasonOfError(message) : message;
}

/** The SDK reports an error as a JSON text of its properties. */
function reasonOfError(message: string): string {
  try {
    const { message: reason, code } = JSON.parse(message) as { message?: unknown; code?: unknown };
    if (typeof reason !== "string") return message;
    // Of an HTTP response, the message is only the text of its status. Other codes are in the message.
    if (reason.includes("retryable status")) {
      return "the collector answered with status 429, 502, 503 or 504 to all tries";
    }
    const isStatus = typeof code === "string" && /^\d{3}$/.test(code);
    return isStatus ? `the collector answered with status ${code} (${reason})` : reason;
  } catch {
    // A text that only begins like JSON.
    return message;
  }
}
