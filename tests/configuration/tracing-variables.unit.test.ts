import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { resourceAttributesEnvDetector } from "@opentelemetry/resources";
import type { ServiceBroker } from "moleculer";
import { readConfig, singleProcessDefaults } from "../../config/config.ts";
import { ignoredTracingVariables } from "../../config/tracing-variables.ts";
import { brokerOptions } from "../../moleculer.config.ts";

const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

describe("OTEL_RESOURCE_ATTRIBUTES", () => {
  test.each([
    ["team=shop", true],
    [" team = shop , zone=a%2Cb,, ", true],
    ["team=", true],
    ["", true],
    ["team=shop,staging", false],
    ["team=shop,zone=a=b", false],
    ["=shop", false],
    ["team=%zz", false],
    [`team=${"x".repeat(255)}`, true],
    [`team=${"x".repeat(256)}`, false],
  ])("%j is valid: %j, as for the SDK", (value, isValid) => {
    process.env.OTEL_RESOURCE_ATTRIBUTES = value;
    const { attributes = {} } = resourceAttributesEnvDetector.detect();
    expect(Object.keys(attributes).length > 0).toBe(isValid && value !== "");
    expect(ignoredTracingVariables(process.env)).toHaveLength(isValid ? 0 : 1);
  });

  test("a message names the malformed entry", () => {
    const [message] = ignoredTracingVariables({ OTEL_RESOURCE_ATTRIBUTES: "team=shop, staging" });
    expect(message).toMatch(/^OTEL_RESOURCE_ATTRIBUTES has the entry "staging", so none of its/);
  });
});

test("a malformed header is named by its place: it may be a secret", () => {
  const env = {
    OTEL_EXPORTER_OTLP_HEADERS: "api-key=abc,Bearer s3cret,x=",
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: "authorization=Bearer%20s3cret,tenant=a=b;ignored",
  };
  expect(ignoredTracingVariables(env)).toEqual([
    "OTEL_EXPORTER_OTLP_HEADERS is not NAME=VALUE in its entry 2, so this header is not sent",
    "OTEL_EXPORTER_OTLP_HEADERS is not NAME=VALUE in its entry 3, so this header is not sent",
  ]);
});

test("a ratio without a sampler that reads it has no effect", () => {
  const message =
    "OTEL_TRACES_SAMPLER_ARG has no effect unless OTEL_TRACES_SAMPLER is parentbased_traceidratio or traceidratio";
  const OTEL_TRACES_SAMPLER_ARG = "0.01";
  expect(ignoredTracingVariables({ OTEL_TRACES_SAMPLER_ARG })).toEqual([message]);
  const OTEL_TRACES_SAMPLER = "parentbased_traceidratio";
  expect(ignoredTracingVariables({ OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG })).toEqual([]);
});

test("a flag is true or false", () => {
  expect(
    ignoredTracingVariables({
      OTEL_EXPORTER_OTLP_INSECURE: "yes",
      OTEL_EXPORTER_OTLP_TRACES_INSECURE: "TRUE",
    }),
  ).toEqual(["OTEL_EXPORTER_OTLP_INSECURE is neither true nor false, so it counts as false"]);
});

test("a starting node with traces logs each variable that OpenTelemetry ignores", () => {
  const warn = jest.fn<(line: string) => void>();
  const broker = { logger: { warn }, middlewares: { add: () => undefined } };
  const start = (env: NodeJS.ProcessEnv) => {
    const options = brokerOptions(readConfig(env, singleProcessDefaults), "test");
    options.created?.(broker as unknown as ServiceBroker);
  };
  const OTEL_RESOURCE_ATTRIBUTES = "team=shop,staging";
  start({ OTEL_RESOURCE_ATTRIBUTES });
  expect(warn).not.toHaveBeenCalled();
  start({ OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_EXPORTER: "otlp" });
  expect(warn.mock.calls).toEqual([
    [expect.stringMatching(/^OpenTelemetry ignores a setting: OTEL_RESOURCE_ATTRIBUTES .*%3D\.$/)],
  ]);
});
