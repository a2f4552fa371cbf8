import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "@jest/globals";
import { caFile, certFile, keyFile } from "../../tools/support/nats-server.ts";
import { faultsOf, read } from "../support/read-config.ts";

describe("TRANSPORTER", () => {
  const folder = mkdtempSync(join(tmpdir(), "shop-config-"));
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

  test("may contain a token, in the place of a user without a password", () => {
    const env = { TRANSPORTER: "nats://n1:4222,nats://to%25k%3Aen@n2:4222" };
    expect(read(env).nats).toEqual({ ...plain, servers: ["n1:4222", "n2:4222"], token: "to%k:en" });
    expect(read({ ...env, NATS_PASSWORD: "p" }).nats).toMatchObject({
      user: "to%k:en",
      password: "p",
      token: undefined,
    });
    expect(read({ ...env, NATS_TOKEN: "other" }).nats).toMatchObject({ token: "other" });
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
    const certificate = { TRANSPORTER: "nats://localhost", NATS_TLS_CERT_FILE: certFile };
    expect(faultsOf(certificate)).toEqual([expect.stringMatching(/must be set together/)]);
  });

  const noPem = fileURLToPath(import.meta.url);
  const halfPem = join(folder, "half.pem");
  writeFileSync(halfPem, readFileSync(caFile, "utf8").slice(0, 300));

  test.each([
    ["NATS_TLS_CA_FILE", "/dev/null"],
    ["NATS_TLS_CA_FILE", noPem],
    ["NATS_TLS_CA_FILE", halfPem],
    ["NATS_TLS_CA_FILE", keyFile],
    ["NATS_TLS_CERT_FILE", noPem],
    ["NATS_TLS_CERT_FILE", keyFile],
    ["NATS_TLS_KEY_FILE", noPem],
    ["NATS_TLS_KEY_FILE", certFile],
  ])("is rejected with %s=%s, which is no PEM file of its kind", (name, path) => {
    const files = { NATS_TLS_CERT_FILE: certFile, NATS_TLS_KEY_FILE: keyFile, [name]: path };
    const kind = name === "NATS_TLS_KEY_FILE" ? "private key without a password" : "certificate";
    expect(faultsOf({ TRANSPORTER: "nats://localhost", ...files })).toEqual([
      expect.stringMatching(`^${name} must name a PEM file with a ${kind}, not "${path}"; for ex`),
    ]);
  });

  test("is rejected with the key of another certificate", () => {
    const files = { NATS_TLS_CERT_FILE: caFile, NATS_TLS_KEY_FILE: keyFile };
    expect(faultsOf({ TRANSPORTER: "nats://localhost", ...files })).toEqual([
      expect.stringMatching(/^NATS_TLS_KEY_FILE must name the key of NATS_TLS_CERT_FILE, not "/),
    ]);
  });

  test("may have the certificate of the node and its key", () => {
    const files = { NATS_TLS_CERT_FILE: certFile, NATS_TLS_KEY_FILE: keyFile };
    expect(read({ TRANSPORTER: "nats://localhost", ...files }).nats?.tls).toEqual({
      certFile,
      keyFile,
    });
  });
});

test.each([
  [{ NATS_PASSWORD_FILE: "/nonexistent" }, /^NATS_PASSWORD_FILE names a file that cannot be read/],
  [{ NATS_USER_FILE: "/nonexistent" }, /^NATS_USER_FILE names a file that cannot be read/],
  [{ NATS_TOKEN_FILE: "/nonexistent" }, /^NATS_TOKEN_FILE names a file that cannot be read/],
  [{ NATS_TLS_CA_FILE: "/nonexistent" }, /^NATS_TLS_CA_FILE names a file that cannot be read/],
  [{ NATS_TLS_CA_FILE: "/dev/null" }, /^NATS_TLS_CA_FILE must name a PEM file/],
  [{ NATS_TLS_CERT_FILE: certFile }, /^NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE must be set tog/],
])("the settings of NATS are checked without TRANSPORTER, too: %j", (env, fault) => {
  expect(faultsOf(env)).toEqual([expect.stringMatching(fault)]);
});

test("the credentials of NATS may be set for the other commands", () => {
  expect(read({ NATS_PASSWORD: "secret", NATS_TLS_CA_FILE: caFile }).nats).toBeUndefined();
});
