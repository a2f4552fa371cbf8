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

/** The lines that an environment is refused with; none when it is taken. */
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
  test("is the whole shop in one process, for this machine only", () => {
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

  test("lets a node of a cluster be reached from outside, and say what it does", () => {
    expect(readConfig({}, clusterNodeDefaults)).toMatchObject({
      host: "0.0.0.0",
      logLevel: "info",
    });
  });
});

test("every setting is taken over", () => {
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

test(".env.example names every setting there is, and no other", () => {
  const asked = new Set<string>();
  // With NATS, and so with all of its settings.
  const env = new Proxy<Record<string, string>>(
    { TRANSPORTER: "nats://localhost" },
    {
      get(given, name: string) {
        asked.add(name);
        return given[name];
      },
    },
  );
  readConfig(env, singleProcessDefaults);
  const isFileOfAnother = (name: string) => name.endsWith("_FILE") && asked.has(name.slice(0, -5));
  const settings = [...asked].filter((name) => !isFileOfAnother(name)).sort();
  const text = readFileSync(new URL("../../.env.example", import.meta.url), "utf8");
  const named = [...text.matchAll(/^#([A-Z_]+)=/gm)].map(([, name]) => name);
  expect([...new Set(named)].sort()).toEqual(settings);
});

test("a port of their own is nothing to listen on where there are no metrics", () => {
  const { metrics, metricsPort } = read({ METRICS: "false", METRICS_PORT: "9100" });
  expect({ metrics, metricsPort }).toEqual({ metrics: false, metricsPort: undefined });
});

test("a variable that is set to nothing is not set", () => {
  expect(read({ PORT: "", HOST: "  ", SERVICES: "", TRANSPORTER: "" })).toEqual(read({}));
});

describe("a setting by a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "shop-config-"));
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test("is what the file holds, without the end of its line", () => {
    const env = { ORDERS_DB_URL_FILE: file("url", "postgres://u:p@db/orders\n") };
    expect(read(env).databaseUrls.orders).toBe("postgres://u:p@db/orders");
    expect(read({ PORT_FILE: file("port", "99") }).port).toBe(99);
  });

  test("gives way to the setting itself", () => {
    expect(read({ PORT: "1", PORT_FILE: file("port", "99") }).port).toBe(1);
  });

  test("is refused when the file is not there, is empty, or holds nonsense", () => {
    expect(faultsOf({ PORT_FILE: join(folder, "none") })).toEqual([
      expect.stringMatching(/^PORT_FILE names a file that cannot be read/),
    ]);
    expect(faultsOf({ PORT_FILE: file("empty", "\n") })).toEqual([
      expect.stringMatching(/^PORT_FILE names an empty file/),
    ]);
    expect(faultsOf({ PORT_FILE: file("words", "eighty") })[0]).toMatch(/^PORT must be a whole/);
  });
});

describe("faults", () => {
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

  test("are all reported at once, each with the variable's name", () => {
    const faults = faultsOf(faulty).join("\n");
    for (const name of Object.keys(faulty)) expect(faults).toContain(`${name} `);
  });

  test("are mended by their examples", () => {
    const lines = faultsOf(faulty);
    const examples = lines.flatMap((line) =>
      (line.split("; for example ")[1] ?? "").split(" ").map((pair) => pair.split("=")),
    );
    const mended = { ...faulty, ...(Object.fromEntries(examples) as Record<string, string>) };
    // This machine has no such file.
    expect(faultsOf(mended)).toEqual([expect.stringMatching(/^NATS_TLS_CA_FILE /)]);
  });

  test.each([
    ["PORT", "1e3", 'PORT must be a whole number from 0 to 65535, not "1e3"'],
    ["LOG_FORMAT", "xml", 'LOG_FORMAT must be one of short, full, json, not "xml"'],
    ["SERVICES", "users,pay", 'SERVICES must list some of users, products, orders, api, not "pay"'],
  ])("of %s name the value that is wrong", (name, value, sentence) => {
    expect(faultsOf({ [name]: value })[0]).toContain(sentence);
  });

  test.each(["USERS_DB_URL", "PRODUCTS_DB_URL", "ORDERS_DB_URL", "TRANSPORTER"])(
    "of %s do not show the password in it",
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

  test("of an admin's password do not show it", () => {
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
  ])("needs both an email and a password: %j", (env) => {
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

  test("names one server", () => {
    const { nats } = read({ TRANSPORTER: "nats://localhost:4222" });
    expect(nats).toEqual({ ...plain, servers: ["localhost:4222"] });
  });

  test("names several servers", () => {
    const { nats } = read({ TRANSPORTER: "nats://n1:4222, nats://n2,nats://[::1]:4222" });
    expect(nats).toEqual({ ...plain, servers: ["n1:4222", "n2", "[::1]:4222"] });
  });

  test("carries credentials, percent-encoded where they hold special characters", () => {
    const { nats } = read({ TRANSPORTER: "nats://sh%40op:p%3A%2Fw%25d@localhost:4222" });
    expect(nats).toEqual({
      ...plain,
      servers: ["localhost:4222"],
      user: "sh@op",
      password: "p:/w%d",
    });
  });

  test("leaves credentials to variables of their own, which win", () => {
    const env = { NATS_USER: "shop", NATS_PASSWORD: "p%25:/@", NATS_TOKEN: "t" };
    const { nats } = read({ TRANSPORTER: "nats://other:secret@localhost:4222", ...env });
    expect(nats).toMatchObject({ user: "shop", password: "p%25:/@", token: "t" });
  });

  test("turns TLS on by its protocol, or by the files that are named", () => {
    expect(read({ TRANSPORTER: "nats://n1,tls://n2" }).nats).toMatchObject({ tls: {} });
    expect(read({ TRANSPORTER: "nats://localhost", NATS_TLS_CA_FILE: caFile }).nats).toMatchObject({
      tls: { caFile },
    });
  });

  test.each([
    ["nats://localhost,", "a server that is empty"],
    ["nats://", "a server without a host"],
    ["nats:localhost:4222", "a server without slashes"],
    ["nats://ok,http://localhost", "another protocol"],
    ["nats://user:p%zz@localhost", "credentials that are not percent-encoded"],
  ])("refuses %s: %s", (transporter) => {
    const [fault, ...others] = faultsOf({ TRANSPORTER: transporter });
    expect(fault).toMatch(/^TRANSPORTER .+; for example TRANSPORTER=nats:\/\/user:password@/);
    expect(others).toEqual([]);
  });

  test("refuses a file that cannot be read", () => {
    const path = join(folder, "none.pem");
    expect(faultsOf({ TRANSPORTER: "nats://localhost", NATS_TLS_CA_FILE: path })).toEqual([
      `NATS_TLS_CA_FILE names a file that cannot be read: "${path}"; for example NATS_TLS_CA_FILE=/etc/shop/ca.pem`,
    ]);
  });

  test("refuses a password that belongs to nobody, and a certificate without its key", () => {
    const password = { TRANSPORTER: "nats://localhost", NATS_PASSWORD: "secret" };
    expect(faultsOf(password)).toEqual([expect.stringMatching(/^NATS_USER must be set/)]);
    const file = fileURLToPath(import.meta.url);
    const certificate = { TRANSPORTER: "nats://localhost", NATS_TLS_CERT_FILE: file };
    expect(faultsOf(certificate)).toEqual([expect.stringMatching(/must be set together/)]);
  });
});

describe("a text that an editor has written", () => {
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
    ["UTF-16", utf16le],
    ["UTF-16 the other way round", utf16be],
  ];

  test.each(encodings)("in %s is read as a .env file", (_what, encode) => {
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

  test.each(encodings)("in %s is read as a secret", (_what, encode) => {
    for (const lineEnd of ["", "\n", "\r\n"]) {
      const NATS_TOKEN_FILE = write(encode(`sécret${lineEnd}`));
      const { nats } = read({ TRANSPORTER: "nats://localhost", NATS_TOKEN_FILE });
      expect(nats?.token).toBe("sécret");
    }
  });

  test.each<[string, Buffer, string]>([
    ["UTF-16 without its mark", Buffer.from("PORT=1\n", "utf16le"), "zero byte in line 1"],
    ["Latin-1", Buffer.from("A=1\nB=\uFFFD\nC=ä\n", "latin1"), "no valid UTF-8 in line 2"],
    ["half a character", Buffer.from("A=\uFFFD\nB=ä").subarray(0, -1), "no valid UTF-8 in line 2"],
    ["half of UTF-16", utf16le("PORT=1").subarray(0, -1), "no valid UTF-16"],
  ])("in %s is refused with a sentence", (_what, content, why) => {
    const path = write(content);
    expect(() => readEnvFile(path)).toThrow(ConfigError);
    expect(() => readEnvFile(path)).toThrow(why);
    const faults = faultsOf({ KEY_ENCRYPTION_SECRET_FILE: path });
    expect(faults).toEqual([
      expect.stringMatching(`^KEY_ENCRYPTION_SECRET_FILE .*${why}.*for example`),
    ]);
  });

  test("that is a folder is refused, and one that is not there is none", () => {
    expect(() => readEnvFile(folder)).toThrow(ConfigError);
    expect(readEnvFile(join(folder, "nothing"))).toEqual({});
  });
});
