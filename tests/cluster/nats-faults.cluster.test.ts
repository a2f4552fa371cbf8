import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
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

test("a node says what to correct when the server rejects it, has no TLS, is starting, or is no NATS", async () => {
  const withToken = await createNatsServer("--auth", "secret");
  await withToken.start();
  const plain = await createNatsServer();
  await plain.start();
  const open = new Set<Socket>();
  const others: Server[] = [];
  /** Starts a server of another program, and returns its URL. */
  const serve = async (greet: (socket: Socket) => void) => {
    const server = createServer((socket) => {
      open.add(socket.resume());
      socket.once("close", () => open.delete(socket));
      greet(socket);
    }).listen(0, "127.0.0.1");
    others.push(server);
    await once(server, "listening");
    return `nats://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const mute = await serve(() => undefined);
  const closing = await serve((socket) => socket.end());
  const other = await serve((socket) => socket.write("SSH-2.0-OpenSSH_9.9\r\n"));
  const reason = (server: string, options = {}) =>
    connectionFaultOf({ servers: [server], ...options });
  try {
    expect(await reason(withToken.url)).toMatch(/rejects the credentials.* or NATS_TOKEN$/);
    expect(await reason(plain.url, { tls: {} })).toBe(
      "the server does not support tls; use nats:// in TRANSPORTER, and no NATS_TLS_ file",
    );
    expect(await reason(mute)).toMatch(/has sent no INFO line within 2 s; it may be starting/);
    expect(await reason(closing)).toMatch(/closes the connection without an INFO line; it may be/);
    expect(await reason(other)).toBe(
      "a server answers in another protocol than that of NATS; correct TRANSPORTER",
    );
    expect(await reason(mute, { servers: [other, mute] })).toMatch(/may be starting/);
    await eventually("the connections to them are closed", () => open.size === 0);
    expect(await reason("nats://nowhere.invalid:4222")).toMatch(/the name of a host is unknown/);
    expect(await reason(withToken.url, { token: "secret" })).toBeUndefined();
  } finally {
    for (const socket of open) socket.destroy();
    for (const server of others) server.close();
  }
});

test("a server that drops the packets of a connection is not said to accept it", async () => {
  // A stopped process accepts nothing: when its backlog is full, the kernel drops new connections.
  const program = `require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 },
    function () { console.log(this.address().port); process.kill(process.pid, "SIGSTOP"); })`;
  const child = spawn(process.execPath, ["--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  const waiting = Array.from({ length: 4 }, () =>
    connect(port, "127.0.0.1").on("error", () => undefined),
  );
  try {
    await eventually("the backlog is full", () => waiting.some(({ connecting }) => !connecting));
    expect(await connectionFaultOf({ servers: [`nats://127.0.0.1:${port}`] })).toBe(
      "a server does not answer attempts to connect within 2 s; correct TRANSPORTER, or the firewall before the server",
    );
  } finally {
    for (const socket of waiting) socket.destroy();
    child.kill("SIGKILL");
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
