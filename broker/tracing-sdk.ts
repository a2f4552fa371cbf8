import { diag, DiagLogLevel } from "@opentelemetry/api";
import {
  hostDetector,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from "@opentelemetry/resources";
import { NodeSDK } from "@opentelemetry/sdk-node";
import type { ServiceBroker } from "moleculer";
import { recordSpans } from "../core/tracing/spans.ts";

/**
 * Starts the OpenTelemetry SDK for traces, which reads the standard variables `OTEL_*`. Returns the
 * function that exports the last spans and stops it. This module loads megabytes of code: it is
 * imported only if traces are on.
 */
export function startTracing({ logger, nodeID, namespace }: ServiceBroker): () => Promise<void> {
  const report = (message: string, ...details: unknown[]) => {
    logger.warn(`OpenTelemetry: ${message}`, ...details);
  };
  const ignore = () => undefined;
  diag.setLogger(
    { error: report, warn: report, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({
      "service.name": "shop-cluster",
      "service.namespace": namespace,
      "service.instance.id": nodeID,
    }),
    // Their attributes win. Not those of the process, which has the whole command line.
    resourceDetectors: [hostDetector, resourceAttributesEnvDetector, serviceNameEnvDetector],
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  recordSpans(true);
  return async () => {
    recordSpans(false);
    await sdk.shutdown();
  };
}
