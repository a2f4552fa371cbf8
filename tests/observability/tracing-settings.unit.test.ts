import { expect, jest, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { startTracing } from "../../broker/tracing-sdk.ts";

test("an invalid variable of OpenTelemetry is logged as such, not as a loss of spans", async () => {
  process.env.OTEL_TRACES_SAMPLER = "parentbased_traceidratio";
  process.env.OTEL_TRACES_SAMPLER_ARG = "much";
  const warn = jest.fn();
  const broker = { logger: { warn }, nodeID: "a", namespace: "test" } as unknown as ServiceBroker;
  await startTracing(broker)();
  const lines = warn.mock.calls.map(([line]) => String(line));
  expect(lines[0]).toMatch(/^OpenTelemetry ignores a setting: .*'much'.*[^.]\.$/);
  expect(lines.filter((line) => !line.startsWith("OpenTelemetry"))).toEqual([]);
});
