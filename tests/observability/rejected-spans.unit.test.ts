import { createServer } from "node:http";
import { expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { startTracing } from "../../broker/tracing-sdk.ts";
import { inSpan } from "../../core/tracing/spans.ts";
import { eventually } from "../../tools/support/eventually.ts";

// The SDK can be started once in a process.
test("a collector that rejects spans is reported with its HTTP status", async () => {
  const collector = createServer((_request, response) => {
    response.writeHead(401).end("no");
  });
  await new Promise<void>((listening) => collector.listen(0, "127.0.0.1", listening));
  const { port } = collector.address() as { port: number };
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`;
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
      "Spans could not be exported: the collector answered with status 401 (Unauthorized). They are lost; the shop is not affected.",
    ]);
  } finally {
    await stop();
    collector.close();
  }
});
