import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { readConfig, singleProcessDefaults } from "../../config/config.ts";
import { ConfigError } from "../../config/config-reader.ts";
import type { EdgeConfig } from "../../config/edge-config.ts";

function edge(env: Record<string, string>): EdgeConfig {
  return readConfig(env, singleProcessDefaults).edge;
}

describe("NODE_ENV=production", () => {
  test("disables introspection, the playground and suggestions", () => {
    expect(edge({ NODE_ENV: "production" })).toMatchObject({
      introspection: false,
      discovery: true,
      playground: false,
      suggestions: false,
    });
  });

  test("is overridden by INTROSPECTION and PLAYGROUND", () => {
    const env = { NODE_ENV: "production", INTROSPECTION: "true", PLAYGROUND: "true" };
    expect(edge(env)).toMatchObject({ introspection: true, playground: true, suggestions: true });
  });

  test("is not needed to disable introspection and the playground", () => {
    const env = { INTROSPECTION: "false", PLAYGROUND: "false" };
    expect(edge(env)).toMatchObject({
      introspection: false,
      discovery: true,
      playground: false,
      suggestions: false,
    });
  });
});

test.each(["Production", "PRODUCTION"])("NODE_ENV=%s is rejected as a mistake", (value) => {
  expect(() => edge({ NODE_ENV: value })).toThrow(
    `NODE_ENV must be spelled "production", in lower case, not "${value}"; for example NODE_ENV=production`,
  );
  // Other names are those of other environments.
  expect(edge({ NODE_ENV: "staging" }).playground).toBe(true);
});

describe("persisted documents", () => {
  const folder = mkdtempSync(join(tmpdir(), "shop-edge-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test("are read from a file, and can be the only documents that run", () => {
    const file = join(folder, "documents.json");
    writeFileSync(file, "{}");
    const env = { PERSISTED_DOCUMENTS: file, ONLY_PERSISTED: "true" };
    expect(edge(env).persistedDocuments).toEqual({ file, only: true });
  });

  test("are required by ONLY_PERSISTED", () => {
    expect(() => edge({ ONLY_PERSISTED: "true" })).toThrow(/^ONLY_PERSISTED needs PERSISTED_DOC/);
  });
});

test.each(["10.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "loopback", "linklocal,uniquelocal"])(
  "TRUSTED_PROXIES accepts %s",
  (value) => {
    expect(edge({ TRUSTED_PROXIES: value }).trustedProxies).toEqual(value.split(","));
  },
);

test.each([
  ["TRUSTED_PROXIES", "balancer"],
  ["TRUSTED_PROXIES", "10.0.0.0/33"],
  ["TRUSTED_PROXIES", "10.0.0.0/8/8"],
  ["TRUSTED_PROXIES", "10.0.0.0/"],
  ["TRUSTED_PROXIES", "0.0.0.0/0"],
  ["TRUSTED_PROXIES", "::/0"],
  ["TRUSTED_PROXIES", "10.0.0.0/0"],
  ["TRUSTED_PROXIES", "loopback,10.0.0.0/00"],
  ["CORS_ORIGINS", "*"],
  ["CORS_ORIGINS", "shop.example"],
  ["CORS_ORIGINS", "https://shop.example/"],
  ["CORS_ORIGINS", "ftp://shop.example"],
])("%s rejects %s", (name, value) => {
  expect(() => edge({ [name]: value })).toThrow(ConfigError);
});
