import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  clusterNodeDefaults,
  readConfig,
  readEnvFile,
  singleProcessDefaults,
  type Config,
} from "../../config/config.ts";
import { ConfigError } from "../../config/config-reader.ts";

function read(env: Record<string, string>): Config {
  return readConfig(env, singleProcessDefaults);
}

/** Returns the lines of the ConfigError for an environment, or none if the environment is valid. */
function faultsOf(env: Record<string, string>): string[] {
  try {
    read(env);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split("\n");
  }
}

describe("an empty environment", () => {
  test("configures all services in one process that listens on localhost only", () => {
    expect(read({})).toEqual({
      services: ["users", "products", "orders", "api"],
      nats: undefined,
      namespace: "shop",
      dataDir: resolve("data"),
      host: "127.0.0.1",
      port: 8080,
      metrics: true,
      metricsPort: undefined,
      healthPort: undefined,
      traces: undefined,
      databaseUrls: { users: undefined, products: undefined, orders: undefined },
      databasePoolMax: 10,
      logLevel: "warn",
      logFormat: "short",
      publicReads: false,
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
      },
      reservationTtlSeconds: 15,
      cancelWithinSeconds: 1_209_600,
      eventLogKeepMs: undefined,
    });
  });

  test("configures a cluster node to listen on all addresses and to log at level info", () => {
    expect(readConfig({}, clusterNodeDefaults)).toMatchObject({
      host: "0.0.0.0",
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
    TRACES_URL: "http://traces:9411/",
    TRACES_PERCENT: "25",
    USERS_DB_URL: "postgres://u:p@db/users",
    PRODUCTS_DB_URL: "postgresql://u:p@db/products",
    ORDERS_DB_URL: "postgres:///orders?host=/run/postgresql",
    DB_POOL_MAX: "3",
    LOG_LEVEL: "debug",
    LOG_FORMAT: "json",
    PUBLIC_READS: "true",
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
    traces: { url: "http://traces:9411", percent: 25 },
    databaseUrls: {
      users: "postgres://u:p@db/users",
      products: "postgresql://u:p@db/products",
      orders: "postgres:///orders?host=/run/postgresql",
    },
    databasePoolMax: 3,
    logLevel: "debug",
    logFormat: "json",
    publicReads: true,
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
    },
    reservationTtlSeconds: 5,
    cancelWithinSeconds: 0,
    eventLogKeepMs: 172_800_000,
  });
});

test(".env.example names exactly the environment variables that are read", () => {
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
  const settings = [...namesRead].filter((name) => !isFileVariant(name)).sort();
  const text = readFileSync(new URL("../../.env.example", import.meta.url), "utf8");
  const named = [...text.matchAll(/^#([A-Z_]+)=/gm)].map(([, name]) => name);
  expect([...new Set(named)].sort()).toEqual(settings);
});

test("METRICS_PORT is ignored without metrics", () => {
  const { metrics, metricsPort } = read({ METRICS: "false", METRICS_PORT: "9100" });
  expect({ metrics, metricsPort }).toEqual({ metrics: false, metricsPort: undefined });
});

test("an empty or blank variable counts as unset", () => {
  expect(read({ PORT: "", HOST: "  ", SERVICES: "", TRANSPORTER: "" })).toEqual(read({}));
});

describe("a setting in a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "shop-config-"));
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test("is the content of the file without its final line break", () => {
    const env = { ORDERS_DB_URL_FILE: file("url", "postgres://u:p@db/orders\n") };
    expect(read(env).databaseUrls.orders).toBe("postgres://u:p@db/orders");
    expect(read({ PORT_FILE: file("port", "99") }).port).toBe(99);
  });

  test("is overridden by the variable itself", () => {
    expect(read({ PORT: "1", PORT_FILE: file("port", "99") }).port).toBe(1);
  });

  test("is rejected if the file is missing, is empty or has an invalid value", () => {
    expect(faultsOf({ PORT_FILE: join(folder, "none") })).toEqual([
      expect.stringMatching(/^PORT_FILE names a file that cannot be read/),
    ]);
    expect(faultsOf({ PORT_FILE: file("empty", "\n") })).toEqual([
      expect.stringMatching(/^PORT_FILE names an empty file/),
    ]);
    expect(faultsOf({ PORT_FILE: file("words", "eighty") })[0]).toMatch(/^PORT must be a whole/);
  });
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
    ["PORT", "1e3", 'PORT must be a whole number from 0 to 65535, not "1e3"'],
    ["LOG_FORMAT", "xml", 'LOG_FORMAT must be one of short, full, json, not "xml"'],
    ["SERVICES", "users,pay", 'SERVICES must list some of users, products, orders, api, not "pay"'],
  ])("contain the invalid value of %s", (name, value, sentence) => {
    expect(faultsOf({ [name]: value })[0]).toContain(sentence);
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

describe("TRANSPORTER", () => {
  const folder = mkdtempSync(join(tmpdir(), "shop-config-"));
  const caFile = join(folder, "ca.pem");
  beforeAll(() => {
    writeFileSync(caFile, "");
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const plain = { user: undefined, password: undefined, token: undefined, tls: undefined };

  test("may name one server", () => {
    const { nats } = read({ TRANSPORTER: "nats://localhost:4222" });
    expect(nats).toEqual({ ...plain, servers: ["localhost:4222"] });
  });

  test("may name several servers", () => {
    const { nats } = read({ TRANSPORTER: "nats://n1:4222, nats://n2,nats://[::1]:4222" });
    expect(nats).toEqual({ ...plain, servers: ["n1:4222", "n2", "[::1]:4222"] });
  });

  test("may contain percent-encoded credentials", () => {
    const { nats } = read({ TRANSPORTER: "nats://sh%40op:p%3A%2Fw%25d@localhost:4222" });
    expect(nats).toEqual({
      ...plain,
      servers: ["localhost:4222"],
      user: "sh@op",
      password: "p:/w%d",
    });
  });

  test("is overridden by the variables for credentials", () => {
    const env = { NATS_USER: "shop", NATS_PASSWORD: "p%25:/@", NATS_TOKEN: "t" };
    const { nats } = read({ TRANSPORTER: "nats://other:secret@localhost:4222", ...env });
    expect(nats).toMatchObject({ user: "shop", password: "p%25:/@", token: "t" });
  });

  test("enables TLS by the protocol tls:// or together with a certificate file", () => {
    expect(read({ TRANSPORTER: "nats://n1,tls://n2" }).nats).toMatchObject({ tls: {} });
    expect(read({ TRANSPORTER: "nats://localhost", NATS_TLS_CA_FILE: caFile }).nats).toMatchObject({
      tls: { caFile },
    });
  });

  test.each([
    ["nats://localhost,", "an empty server"],
    ["nats://", "a server without a host"],
    ["nats:localhost:4222", "a server without slashes"],
    ["nats://ok,http://localhost", "another protocol"],
    ["nats://user:p%zz@localhost", "credentials that are not percent-encoded"],
  ])("rejects %s: %s", (transporter) => {
    const [fault, ...others] = faultsOf({ TRANSPORTER: transporter });
    expect(fault).toMatch(/^TRANSPORTER .+; for example TRANSPORTER=nats:\/\/user:password@/);
    expect(others).toEqual([]);
  });

  test("is rejected with a certificate file that cannot be read", () => {
    const path = join(folder, "none.pem");
    expect(faultsOf({ TRANSPORTER: "nats://localhost", NATS_TLS_CA_FILE: path })).toEqual([
      `NATS_TLS_CA_FILE names a file that cannot be read: "${path}"; for example NATS_TLS_CA_FILE=/etc/shop/ca.pem`,
    ]);
  });

  test("is rejected with a password without a user, or a certificate without its key", () => {
    const password = { TRANSPORTER: "nats://localhost", NATS_PASSWORD: "secret" };
    expect(faultsOf(password)).toEqual([expect.stringMatching(/^NATS_USER must be set/)]);
    const file = fileURLToPath(import.meta.url);
    const certificate = { TRANSPORTER: "nats://localhost", NATS_TLS_CERT_FILE: file };
    expect(faultsOf(certificate)).toEqual([expect.stringMatching(/must be set together/)]);
  });
});

describe("a text file of an editor", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "texts-"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  let files = 0;
  function write(content: Buffer | string): string {
    const path = join(folder, String((files += 1)));
    writeFileSync(path, content);
    return path;
  }

  const utf16le = (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le");
  const utf16be = (text: string) => utf16le(text).swap16();
  const encodings: [string, (text: string) => Buffer][] = [
    ["UTF-8", (text) => Buffer.from(text)],
    ["UTF-8 with a byte order mark", (text) => Buffer.from(`\uFEFF${text}`)],
    ["UTF-16 (little-endian)", utf16le],
    ["UTF-16 (big-endian)", utf16be],
  ];

  test.each(encodings)("in %s can be read as a .env file", (_encoding, encode) => {
    const text = [
      "PORT=1",
      "",
      "# a comment",
      "export HOST = ::1 ",
      "DATA_DIR='/tmp/ä b' # another",
      'NATS_USER="x#y"',
      "EMPTY=",
      "ADMIN_PASSWORD=`a \"b\" 'c'`",
    ];
    const expected = {
      PORT: "1",
      HOST: "::1",
      DATA_DIR: "/tmp/ä b",
      NATS_USER: "x#y",
      EMPTY: "",
      ADMIN_PASSWORD: "a \"b\" 'c'",
    };
    for (const lineEnd of ["\n", "\r\n"]) {
      const path = write(encode(text.join(lineEnd)));
      expect({ ...readEnvFile(path) }).toEqual(expected);
      expect({ ...readEnvFile(write(encode(text.join(lineEnd) + lineEnd))) }).toEqual(expected);
    }
  });

  test.each(encodings)("in %s can be read as a secret", (_encoding, encode) => {
    for (const lineEnd of ["", "\n", "\r\n"]) {
      const NATS_TOKEN_FILE = write(encode(`sécret${lineEnd}`));
      const { nats } = read({ TRANSPORTER: "nats://localhost", NATS_TOKEN_FILE });
      expect(nats?.token).toBe("sécret");
    }
  });

  test.each<[string, Buffer, string]>([
    ["UTF-16 without a byte order mark", Buffer.from("PORT=1\n", "utf16le"), "zero byte in line 1"],
    ["Latin-1", Buffer.from("A=1\nB=\uFFFD\nC=ä\n", "latin1"), "no valid UTF-8 in line 2"],
    ["half a character", Buffer.from("A=\uFFFD\nB=ä").subarray(0, -1), "no valid UTF-8 in line 2"],
    ["truncated UTF-16", utf16le("PORT=1").subarray(0, -1), "no valid UTF-16"],
  ])("in %s is rejected with an explanation", (_encoding, content, reason) => {
    const path = write(content);
    expect(() => readEnvFile(path)).toThrow(ConfigError);
    expect(() => readEnvFile(path)).toThrow(reason);
    const faults = faultsOf({ KEY_ENCRYPTION_SECRET_FILE: path });
    expect(faults).toEqual([
      expect.stringMatching(`^KEY_ENCRYPTION_SECRET_FILE .*${reason}.*for example`),
    ]);
  });

  test("is rejected if it is a folder, and counts as empty if it is missing", () => {
    expect(() => readEnvFile(folder)).toThrow(ConfigError);
    expect(readEnvFile(join(folder, "nothing"))).toEqual({});
  });
});
