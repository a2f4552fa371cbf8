import { writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "@jest/globals";
import { connectionFaultOf } from "../../broker/nats-faults.ts";
import { caFile, createNatsServer, tlsArguments } from "../../tools/support/nats-server.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { cleanUp, startCommand, temporaryFolder } from "../../tools/support/processes.ts";

afterEach(cleanUp);
afterAll(cleanUp);

/** Starts a server with these arguments, and a gateway on it. */
async function gatewayOn(serverArguments: string[], env: Record<string, string> = {}) {
  const server = await createNatsServer(...serverArguments);
  await server.start();
  const settings = { SERVICES: "api", TRANSPORTER: server.url, HOST: "127.0.0.1", PORT: "0" };
  return startCommand("serve", { ...settings, ...env });
}

test("a node without the CA of the server names NATS_TLS_CA_FILE", async () => {
  const gateway = await gatewayOn(tlsArguments);
  await gateway.said("the CA of its certificate is not in NATS_TLS_CA_FILE, UNABLE_TO_");
});

test("a node without the certificate that the server requires names the settings", async () => {
  const verify = ["--tlsverify", "--tlscacert", caFile];
  const gateway = await gatewayOn([...tlsArguments, ...verify], { NATS_TLS_CA_FILE: caFile });
  await gateway.said("the server rejects the certificate of this node or its absence, ");
  expect(gateway.output()).toContain("correct NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE");
});

test("a node says what to correct when the server rejects it, has no TLS, or is no NATS", async () => {
  const withToken = await createNatsServer("--auth", "secret");
  await withToken.start();
  const plain = await createNatsServer();
  await plain.start();
  const open = new Set<Socket>();
  const mute = createServer((socket) => {
    open.add(socket.resume());
    socket.once("close", () => open.delete(socket));
  }).listen(0, "127.0.0.1");
  await once(mute, "listening");
  const { port } = mute.address() as AddressInfo;
  const reason = (server: string, options = {}) =>
    connectionFaultOf({ servers: [server], ...options });
  try {
    expect(await reason(withToken.url)).toMatch(/rejects the credentials.* or NATS_TOKEN$/);
    expect(await reason(plain.url, { tls: {} })).toBe(
      "the server does not support tls; use nats:// in TRANSPORTER, and no NATS_TLS_ file",
    );
    expect(await reason(`nats://127.0.0.1:${port}`)).toMatch(/does not answer as NATS/);
    await eventually("the connection to it is closed", () => open.size === 0);
    expect(await reason("nats://nowhere.invalid:4222")).toMatch(/the name of a host is unknown/);
    expect(await reason(withToken.url, { token: "secret" })).toBeUndefined();
  } finally {
    for (const socket of open) socket.destroy();
    mute.close();
  }
});

test("a node that may not publish to a subject names it", async () => {
  const file = join(temporaryFolder(), "nats.conf");
  const permissions = '{ publish: { deny: "MOL-shop.DISCOVER" }, subscribe: ">" }';
  writeFileSync(
    file,
    `authorization { users: [{ user: shop, password: secret, permissions: ${permissions} }] }\n`,
  );
  const credentials = { NATS_USER: "shop", NATS_PASSWORD: "secret" };
  const gateway = await gatewayOn(["--config", file], credentials);
  await gateway.said("NATS does not permit this node to publish to MOL-shop.DISCOVER.");
});
