import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { startTracing } from "../../broker/tracing-sdk.ts";
import { inSpan } from "../../core/tracing/spans.ts";
import { currentAction, currentTraceIds } from "../../core/tracing/trace.ts";
import { eventually } from "../../tools/support/eventually.ts";

/** A collector that accepts connections and does not answer. */
let collector: Server;
const sockets: Socket[] = [];

beforeAll(async () => {
  collector = createServer((socket) => sockets.push(socket.on("error", () => undefined)));
  await new Promise<void>((listening) => collector.listen(0, "127.0.0.1", listening));
  const { port } = collector.address() as { port: number };
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`;
  process.env.OTEL_BSP_SCHEDULE_DELAY = "1";
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  collector.close();
});

test("a node whose collector does not answer stops, and logs one line without trace ids", async () => {
  const lines: unknown[] = [];
  const warn = (...words: unknown[]) => void lines.push([...words, currentTraceIds()]);
  const broker = { logger: { warn }, nodeID: "a", namespace: "test" } as unknown as ServiceBroker;
  const stop = startTracing(broker, 1);
  await inSpan(
    "a request",
    () => ({}),
    async () => undefined,
  );
  await eventually("the export", () => sockets.length > 0);
  await currentAction.run({ id: "1", requestID: null }, async () => {
    await stop();
    await stop();
  });
  expect(lines).toEqual([
    [
      "Spans could not be exported: the last spans were not exported in time. They are lost; the shop is not affected.",
      {},
    ],
  ]);
});
