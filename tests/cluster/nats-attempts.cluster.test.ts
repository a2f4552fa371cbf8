import { once } from "node:events";
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from "node:net";
import { afterAll, afterEach, expect, test } from "@jest/globals";
import { connect, type NatsConnection } from "nats";
import { correctAttempts } from "../../broker/nats-attempts.ts";
import { createNatsServer } from "../../tools/support/nats-server.ts";
import { eventually, generousMs } from "../../tools/support/eventually.ts";
import { cleanUp } from "../../tools/support/processes.ts";

const connections: NatsConnection[] = [];
afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  await cleanUp();
});
afterAll(cleanUp);

/** A connection through the proxy. */
interface Proxied {
  client: Socket;
  server: Socket;
}

/** Starts a proxy of a server that holds back what the server sends to the first client. */
async function holdingProxy(url: string) {
  const proxied: Proxied[] = [];
  const proxy = createServer((client) => {
    const server = connectSocket(Number(new URL(url).port), "127.0.0.1");
    for (const socket of [client, server]) socket.on("error", () => undefined);
    client.pipe(server);
    client.once("close", () => server.destroy());
    if (proxied.push({ client, server }) > 1) server.pipe(client);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return { proxied, proxy, url: `nats://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
}

test.each([
  ["after the client has given it up", true],
  ["never", false],
])("an attempt that the server greets %s leaves no connection", async (_title, isGreeted) => {
  await correctAttempts();
  const server = await createNatsServer();
  await server.start();
  const { proxied, proxy, url } = await holdingProxy(server.url);
  try {
    const options = { waitOnFirstConnect: true, maxReconnectAttempts: -1, timeout: 500 };
    const node = await connect({ servers: [url], reconnectTimeWait: 50, ...options });
    connections.push(node);
    let received = 0;
    node.subscribe("call", { callback: () => (received += 1) });
    await node.flush();
    const [first] = proxied;
    if (isGreeted) first?.server.pipe(first.client);
    await eventually("the client closes the first socket", () => first?.server.destroyed === true);
    const caller = await connect({ servers: [server.url] });
    connections.push(caller);
    caller.publish("call");
    await caller.flush();
    await node.flush();
    expect(received).toBe(1);
    expect(proxied.filter(({ client }) => !client.destroyed)).toHaveLength(1);
  } finally {
    for (const { client } of proxied) client.destroy();
    proxy.close();
  }
});

test("when a server hangs, the other one is tried first", async () => {
  await correctAttempts();
  const [first, second] = [await createNatsServer(), await createNatsServer()];
  await Promise.all([first.start(), second.start()]);
  const node = await connect({
    servers: [first.url, second.url],
    noRandomize: true,
    pingInterval: 100,
    reconnectTimeWait: 10,
    // An attempt to connect to the first server again would take all this time.
    timeout: 2 * generousMs,
  });
  connections.push(node);
  expect(node.getServer()).toContain(String(first.port));
  first.pause();
  await eventually("the connection to the second server", () =>
    node.getServer().includes(String(second.port)),
  );
});
