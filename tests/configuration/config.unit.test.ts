import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { clusterNodeDefaults, readConfig, singleProcessDefaults } from "../../config/config.ts";
import { exampleOf, sections, warningsOf } from "../../config/settings.ts";
import { domainServices, serviceNames } from "../../services/registry.ts";
import { configurationFiles } from "../../tools/reference/configuration-files.ts";
import { currentText } from "../../tools/reference/generated-files.ts";
import { faultsOf, read } from "../support/read-config.ts";

describe("scheduled backups", () => {
  test.each([
    ["30m", 30 * 60_000],
    ["24h", 24 * 3_600_000],
    ["7d", 7 * 86_400_000],
  ])("are taken every %s", (every, everyMs) => {
    const { backups } = read({ BACKUP_EVERY: every, BACKUP_DIR: "backups", BACKUP_KEEP: "3" });
    expect(backups).toEqual({ everyMs, dir: resolve("backups"), keep: 3 });
  });

  test("need a folder outside of DATA_DIR, and a valid interval", () => {
    expect(faultsOf({ BACKUP_EVERY: "24h" })).toEqual([
      "BACKUP_DIR must be set if BACKUP_EVERY is set; for example BACKUP_DIR=/var/backups/shop",
    ]);
    expect(faultsOf({ BACKUP_EVERY: "24h", BACKUP_DIR: "./data/backups" })).toEqual([
      "BACKUP_DIR must be a folder outside of DATA_DIR; for example BACKUP_DIR=/var/backups/shop",
    ]);
    const folder = mkdtempSync(join(tmpdir(), "backup-dir-"));
    mkdirSync(join(folder, "data"));
    symlinkSync(join(folder, "data"), join(folder, "link"));
    const DATA_DIR = join(folder, "data");
    for (const dir of ["data", "link", "link/backups"]) {
      const BACKUP_DIR = join(folder, dir);
      expect(faultsOf({ BACKUP_EVERY: "24h", BACKUP_DIR, DATA_DIR })).toEqual([
        "BACKUP_DIR must be a folder outside of DATA_DIR; for example BACKUP_DIR=/var/backups/shop",
      ]);
    }
    rmSync(folder, { recursive: true });
    for (const dir of ["no/such/backups", "package.json", "package.json/backups"]) {
      expect(faultsOf({ BACKUP_EVERY: "24h", BACKUP_DIR: dir })).toEqual([
        "BACKUP_DIR must be a folder, or a path in a folder that exists; for example BACKUP_DIR=/var/backups/shop",
      ]);
    }
    const endless = join(mkdtempSync(join(tmpdir(), "backup-dir-")), "loop");
    symlinkSync(endless, endless);
    for (const [dir, code] of [
      [join(endless, "backups"), "ELOOP"],
      [join(tmpdir(), "ä".repeat(200)), "ENAMETOOLONG"],
    ] as const) {
      expect(faultsOf({ BACKUP_EVERY: "24h", BACKUP_DIR: dir })).toEqual([
        expect.stringContaining(
          `BACKUP_DIR names a path that cannot be read (${code}): "${dir.slice(0, 80)}`,
        ),
      ]);
    }
    rmSync(dirname(endless), { recursive: true });
    expect(faultsOf({ BACKUP_DIR: "backups" })).toEqual([
      "BACKUP_EVERY must be set if BACKUP_DIR is set; for example BACKUP_EVERY=24h",
    ]);
    expect(faultsOf({ BACKUP_EVERY: "daily", BACKUP_DIR: "backups" })[0]).toBe(
      'BACKUP_EVERY must be a number of minutes, hours or days, such as 30m, 24h or 7d, not "daily"; for example BACKUP_EVERY=24h',
    );
  });
});

describe("an empty environment", () => {
  test("configures all services in one process that listens on localhost only", () => {
    expect(read({})).toEqual({
      services: serviceNames,
      nats: undefined,
      namespace: "shop",
      dataDir: resolve("data"),
      backups: undefined,
      host: "127.0.0.1",
      port: 8080,
      metrics: true,
      metricsPort: undefined,
      healthPort: undefined,
      traces: false,
      ignoredTracing: [],
      databaseUrls: Object.fromEntries(domainServices.map((name) => [name, undefined])),
      databasePoolMax: 10,
      logLevel: "warn",
      logFormat: undefined,
      publicReads: false,
      console: true,
      allowFirstAdmin: true,
      firstAdmin: undefined,
      tokenTtlSeconds: 900,
      refreshTtlSeconds: 2_592_000,
      keyEncryptionSecret: undefined,
      keyRotationMs: 90 * 86_400_000,
      auditKeepMs: 365 * 86_400_000,
      edge: {
        trustedProxies: [],
        corsOrigins: [],
        rateLimitPerSecond: 2_000,
        persistedDocuments: { file: undefined, only: false },
        introspection: true,
        discovery: true,
        playground: true,
        suggestions: true,
        accessLog: false,
        slowOperationMs: 1_000,
      },
      reservationTtlSeconds: 15,
      cancelWithinSeconds: 1_209_600,
      eventLogKeepMs: undefined,
      webhooks: { allowHttp: false, allowPrivate: false, keepMs: 30 * 86_400_000 },
    });
  });

  test("configures a cluster node to listen on this machine only and to log at level info", () => {
    expect(readConfig({}, clusterNodeDefaults)).toMatchObject({
      host: "127.0.0.1",
      logLevel: "info",
    });
  });
});

test("every environment variable sets its configuration field", () => {
  const env = {
    SERVICES: " orders , users",
    NAMESPACE: "shop-2",
    DATA_DIR: "/var/lib/shop",
    HOST: "::1",
    PORT: "0",
    METRICS: "true",
    METRICS_PORT: "9100",
    HEALTH_PORT: "9101",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://traces:4318",
    USERS_DB_URL: "postgres://u:p@db/users",
    PRODUCTS_DB_URL: "postgresql://u:p@db/products",
    ORDERS_DB_URL: "postgres:///orders?host=/run/postgresql",
    WEBHOOKS_DB_URL: "postgres://u:p@db/webhooks",
    DB_POOL_MAX: "3",
    LOG_LEVEL: "debug",
    LOG_FORMAT: "json",
    PUBLIC_READS: "true",
    CONSOLE: "false",
    ALLOW_FIRST_ADMIN: "false",
    ADMIN_EMAIL: "admin@example.com",
    ADMIN_PASSWORD: "a-long-secret",
    TOKEN_TTL_SECONDS: "60",
    REFRESH_TTL_SECONDS: "3600",
    KEY_ENCRYPTION_SECRET: "0123456789abcdef",
    KEY_ROTATION_DAYS: "1",
    AUDIT_KEEP_DAYS: "3",
    TRUSTED_PROXIES: "10.0.0.0/8, ::1, uniquelocal",
    CORS_ORIGINS: "https://shop.example,http://localhost:3000",
    RATE_LIMIT_PER_SECOND: "0",
    NODE_ENV: "production",
    PLAYGROUND: "true",
    RESERVATION_TTL_SECONDS: "5",
    CANCEL_WITHIN_SECONDS: "0",
    EVENT_LOG_KEEP_DAYS: "2",
    WEBHOOK_ALLOW_HTTP: "true",
    WEBHOOK_ALLOW_PRIVATE: "true",
    WEBHOOK_KEEP_DAYS: "4",
    ACCESS_LOG: "true",
    SLOW_OPERATION_MS: "250",
  };
  expect(read(env)).toEqual({
    services: ["users", "orders"],
    nats: undefined,
    namespace: "shop-2",
    dataDir: "/var/lib/shop",
    host: "::1",
    port: 0,
    metrics: true,
    metricsPort: 9100,
    healthPort: 9101,
    traces: true,
    ignoredTracing: [],
    databaseUrls: {
      users: "postgres://u:p@db/users",
      products: "postgresql://u:p@db/products",
      orders: "postgres:///orders?host=/run/postgresql",
      webhooks: "postgres://u:p@db/webhooks",
    },
    databasePoolMax: 3,
    logLevel: "debug",
    logFormat: "json",
    publicReads: true,
    console: false,
    allowFirstAdmin: false,
    firstAdmin: { email: "admin@example.com", password: "a-long-secret" },
    tokenTtlSeconds: 60,
    refreshTtlSeconds: 3_600,
    keyEncryptionSecret: "0123456789abcdef",
    keyRotationMs: 86_400_000,
    auditKeepMs: 3 * 86_400_000,
    edge: {
      trustedProxies: ["10.0.0.0/8", "::1", "uniquelocal"],
      corsOrigins: ["https://shop.example", "http://localhost:3000"],
      rateLimitPerSecond: 0,
      persistedDocuments: { file: undefined, only: false },
      introspection: false,
      discovery: true,
      playground: true,
      suggestions: false,
      accessLog: true,
      slowOperationMs: 250,
    },
    reservationTtlSeconds: 5,
    cancelWithinSeconds: 0,
    eventLogKeepMs: 172_800_000,
    webhooks: { allowHttp: true, allowPrivate: true, keepMs: 4 * 86_400_000 },
  });
});

test("exactly the declared settings are read", () => {
  const namesRead = new Set<string>();
  // The settings of NATS are only read if a transporter is set.
  const env = new Proxy<Record<string, string>>(
    { TRANSPORTER: "nats://localhost" },
    {
      get(values, name: string) {
        namesRead.add(name);
        return values[name];
      },
    },
  );
  readConfig(env, singleProcessDefaults);
  const isFileVariant = (name: string) =>
    name.endsWith("_FILE") && namesRead.has(name.slice(0, -5));
  const read = [...namesRead].filter((name) => !isFileVariant(name));
  const declared = sections.flatMap(({ settings }) => Object.keys(settings));
  expect(read.sort()).toEqual(declared.sort());
});

describe("the documentation of the settings", () => {
  test("is what `npm run docs:configuration` writes to .env.example and docs/configuration.md", async () => {
    for (const file of await configurationFiles()) expect(currentText(file)).toBe(file.text);
  });

  const declared = sections.flatMap(({ settings }) => Object.entries(settings));

  // The files of the examples do not exist here.
  const withoutFiles = declared.filter(([, { type }]) => type !== "file");

  test.each(withoutFiles)("shows a valid value of %s", (name) => {
    const env = { TRANSPORTER: "nats://localhost", [name]: exampleOf(name) };
    // Some settings are only valid together with another one.
    expect(faultsOf(env).join()).not.toMatch(/ must (?!be set)/);
  });

  const withDefault = declared.filter(([, setting]) => "default" in setting);

  test.each(withDefault)("shows the default of %s", (name) => {
    expect(read({ [name]: exampleOf(name) })).toEqual(read({}));
  });
});

test("METRICS_PORT is ignored without metrics", () => {
  const { metrics, metricsPort } = read({ METRICS: "false", METRICS_PORT: "9100" });
  expect({ metrics, metricsPort }).toEqual({ metrics: false, metricsPort: undefined });
});

test("an empty or blank variable counts as unset", () => {
  expect(read({ PORT: "", HOST: "  ", SERVICES: "", TRANSPORTER: "" })).toEqual(read({}));
});

test("a flag may have upper-case letters, as in the specification of OpenTelemetry", () => {
  expect(read({ METRICS: "False" }).metrics).toBe(false);
  const OTEL_EXPORTER_OTLP_ENDPOINT = "http://localhost:4318";
  expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: "TRUE" }).traces).toBe(false);
  expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: "FALSE" }).traces).toBe(true);
});

describe("the errors of invalid settings", () => {
  const faulty = {
    SERVICES: "users,payments",
    NAMESPACE: "Shop 1",
    PORT: "65536",
    METRICS: "on",
    METRICS_PORT: "0",
    USERS_DB_URL: "mysql://localhost/users",
    PRODUCTS_DB_URL: "localhost",
    ORDERS_DB_URL: "postgres:orders",
    DB_POOL_MAX: "1.5",
    LOG_LEVEL: "verbose",
    LOG_FORMAT: "xml",
    PUBLIC_READS: "yes",
    ALLOW_FIRST_ADMIN: "0",
    ADMIN_EMAIL: "admin",
    ADMIN_PASSWORD: "1234567",
    TOKEN_TTL_SECONDS: "-1",
    REFRESH_TTL_SECONDS: "0",
    KEY_ENCRYPTION_SECRET: "too short",
    KEY_ROTATION_DAYS: "0",
    AUDIT_KEEP_DAYS: "never",
    TRUSTED_PROXIES: "10.0.0.0/33",
    CORS_ORIGINS: "https://shop.example/path",
    RATE_LIMIT_PER_SECOND: "-1",
    INTROSPECTION: "on",
    PLAYGROUND: "on",
    TRANSPORTER: "redis://localhost",
    NATS_TLS_CA_FILE: "/does/not/exist.pem",
  };

  test("are reported all at once, each with the name of the variable", () => {
    const faults = faultsOf(faulty).join("\n");
    for (const name of Object.keys(faulty)) expect(faults).toContain(`${name} `);
  });

  test("contain examples that are valid", () => {
    const lines = faultsOf(faulty);
    const examples = lines.flatMap((line) =>
      (line.split("; for example ")[1] ?? "").split(" ").map((pair) => pair.split("=")),
    );
    const corrected = { ...faulty, ...(Object.fromEntries(examples) as Record<string, string>) };
    // The file of the example does not exist here.
    expect(faultsOf(corrected)).toEqual([expect.stringMatching(/^NATS_TLS_CA_FILE /)]);
  });

  test.each([
    ["PORT", "7\n8", 'PORT must be a whole number from 0 to 65535, not "7 8"'],
    [
      "NAMESPACE",
      "a".repeat(1_000),
      `NAMESPACE must consist of 1 to 40 lower-case letters, digits and dashes, not "${"a".repeat(80)}…"`,
    ],
    ["PORT", "1e3", 'PORT must be a whole number from 0 to 65535, not "1e3"'],
    ["LOG_FORMAT", "xml", 'LOG_FORMAT must be one of pretty, json, short, full, not "xml"'],
    ["SERVICES", "users,pay", `SERVICES must list some of ${serviceNames.join(", ")}, not "pay"`],
  ])("contain the invalid value of %s", (name, value, sentence) => {
    expect(faultsOf({ [name]: value })[0]).toContain(sentence);
  });

  test.each([
    ["postgres://u:p@db/shop", "postgres://other@db:5432/shop?sslmode=verify-full"],
    [
      "postgres:///shop?host=/run/postgresql",
      "postgres:///shop?host=/run/postgresql&sslmode=disable",
    ],
  ])("%s and %s are the same database", (users, orders) => {
    expect(faultsOf({ USERS_DB_URL: users, ORDERS_DB_URL: orders })).toEqual([
      expect.stringContaining("ORDERS_DB_URL must name another database than USERS_DB_URL"),
    ]);
    const own = orders.replace("shop", "orders");
    const { databaseUrls } = read({ USERS_DB_URL: users, ORDERS_DB_URL: own });
    expect(databaseUrls).toMatchObject({ users, orders: own });
  });

  test.each(["sslrootcert", "sslcert", "sslkey"])("name a missing %s of a database", (name) => {
    const url = `postgres://u:p@db/users?sslmode=verify-full&${name}=/nonexistent.pem`;
    expect(faultsOf({ USERS_DB_URL: url })).toEqual([
      expect.stringContaining(
        'USERS_DB_URL names a file that cannot be read (ENOENT): "/nonexistent.pem"',
      ),
    ]);
  });

  test.each(["USERS_DB_URL", "PRODUCTS_DB_URL", "ORDERS_DB_URL", "TRANSPORTER"])(
    "do not contain the password in %s",
    (name) => {
      for (const value of [
        "user:hunter22@localhost",
        "http://user:hunter22@localhost",
        "nats://user:hunter22@local host",
        "postgres://user:hunter22@localhost:999999/db",
        "nats://user:hunter22%zz@localhost",
      ]) {
        expect(faultsOf({ [name]: value }).join()).not.toContain("hunter22");
      }
    },
  );

  test("do not contain an invalid admin password", () => {
    const faults = faultsOf({ ADMIN_EMAIL: "admin@example.com", ADMIN_PASSWORD: "hunter2" });
    expect(faults).toEqual([expect.stringMatching(/^ADMIN_PASSWORD must have 8 /)]);
    expect(faults.join()).not.toContain("hunter2");
  });
});

describe("the first admin", () => {
  test.each([
    { ADMIN_EMAIL: "admin@example.com" },
    { ADMIN_PASSWORD: "a-long-secret" },
    { ADMIN_EMAIL: "admin@example.com", ADMIN_PASSWORD: "" },
  ])("requires both an email and a password: %j", (env) => {
    expect(faultsOf(env)).toEqual([
      "ADMIN_EMAIL and ADMIN_PASSWORD must be set together; for example ADMIN_EMAIL=admin@example.com ADMIN_PASSWORD=a-long-secret",
    ]);
  });
});

test("a removed setting is reported with its replacement", () => {
  const env = { TRACES_URL: "http://localhost:9411", TRACES_PERCENT_FILE: "/run/percent" };
  expect(warningsOf(env)).toEqual([
    "TRACES_URL has no effect any more; set OTEL_EXPORTER_OTLP_ENDPOINT.",
    "TRACES_PERCENT_FILE has no effect any more; set OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG.",
  ]);
  expect(warningsOf({ TRACES_URL: " ", PORT: "1" })).toEqual([]);
});
