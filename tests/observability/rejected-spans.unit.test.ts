import { createServer, type ServerResponse } from "node:http";
import { afterEach, expect, test } from "@jest/globals";
import { context, diag, logs, metrics, propagation, trace } from "@opentelemetry/api";
import type { ServiceBroker } from "moleculer";
import { startTracing } from "../../broker/tracing-sdk.ts";
import { inSpan } from "../../core/tracing/spans.ts";
import { eventually } from "../../tools/support/eventually.ts";

// Each test starts the SDK anew.
afterEach(() => {
  for (const part of [trace, context, propagation, diag, logs, metrics]) part.disable();
});

const json = { "content-type": "application/json" };
const partialSuccess = { partialSuccess: { rejectedSpans: "1", errorMessage: "too old" } };

const protobuf = "http/protobuf";
const foreign =
  "the answer is not one of OpenTelemetry, so the address may be that of another server";
const html = (response: ServerResponse) =>
  response.writeHead(200, { "content-type": "text/html" }).end("<html></html>");

test.each<[string, string, (response: ServerResponse) => unknown, string]>([
  [
    "rejects spans is reported with its HTTP status",
    protobuf,
    (response) => response.writeHead(401).end("no"),
    "the collector answered with status 401 (Unauthorized)",
  ],
  [
    "is overloaded is reported with the possible statuses",
    protobuf,
    (response) => response.writeHead(503, { "retry-after": "3600" }).end("no"),
    "the collector answered with status 429, 502, 503 or 504 to all tries",
  ],
  ["is another kind of server is reported as such", protobuf, html, foreign],
  ["is another kind of server is reported as such, with JSON", "http/json", html, foreign],
  [
    "accepts only a part of the spans is reported with its reason",
    "http/json",
    (response) => response.writeHead(200, json).end(JSON.stringify(partialSuccess)),
    'the collector accepted only a part ({"rejectedSpans":"1","errorMessage":"too old"})',
  ],
])("a collector that %s", async (_name, protocol, respond, reason) => {
  const collector = createServer((_request, response) => void respond(response));
  await new Promise<void>((listening) => collector.listen(0, "127.0.0.1", listening));
  const { port } = collector.address() as { port: number };
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`;
  process.env.OTEL_EXPORTER_OTLP_PROTOCOL = protocol;
  process.env.OTEL_BSP_SCHEDULE_DELAY = "1";
  const lines: string[] = [];
  const warn = (line: string) => void lines.push(line);
  const broker = { logger: { warn }, nodeID: "a", namespace: "test" } as unknown as ServiceBroker;
  const stop = startTracing(broker);
  try {
    await inSpan(
      "a request",
      () => ({}),
      async () => undefined,
    );
    await eventually("the line", () => lines.length > 0);
    expect(lines).toEqual([
      `Spans could not be exported: ${reason}. They are lost; the shop is not affected.`,
    ]);
  } finally {
    await stop();
    collector.close();
  }
});
