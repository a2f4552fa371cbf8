import type { Server } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { serveHealth } from "../../commands/node/health-server.ts";
import { freePort } from "../../tools/support/processes.ts";
import { exchange, openRaw } from "../support/http/raw-http.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { read } from "../support/read-config.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let health: Server;
const urls: Record<"HEALTH_PORT" | "METRICS_PORT", string> = { HEALTH_PORT: "", METRICS_PORT: "" };

beforeAll(async () => {
  const [healthPort, metricsPort] = [await freePort(), await freePort()];
  shop = await startTestShop({ METRICS_PORT: String(metricsPort) });
  health = await serveHealth(read({ HEALTH_PORT: String(healthPort) }), shop.broker);
  urls.HEALTH_PORT = `http://127.0.0.1:${healthPort}`;
  urls.METRICS_PORT = `http://127.0.0.1:${metricsPort}`;
});
afterAll(async () => {
  health.close();
  await shop.stop();
});

test.each(["/health/live", "/health/live?x=1", "/health/live/", "/health/ready?verbose"])(
  "HEALTH_PORT answers %s as the gateway does",
  async (path) => {
    for (const url of [shop.url, urls.HEALTH_PORT]) {
      const response = await fetch(`${url}${path}`);
      // A node without NATS is not ready.
      expect([url, await response.text()]).toEqual([
        url,
        expect.stringMatching(/"(live|(not )?ready)"/),
      ]);
    }
  },
);

test.each(["/health/lively", "/health", "/health/live/x"])(
  "HEALTH_PORT has no %s",
  async (path) => {
    expect((await fetch(`${urls.HEALTH_PORT}${path}`)).status).toBe(404);
  },
);

describe.each([
  ["HEALTH_PORT", "/health/live"],
  ["METRICS_PORT", "/metrics"],
] as const)("%s", (port, path) => {
  test("answers a request in absolute form", async () => {
    const head = `GET http://node${path} HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n`;
    expect(await exchange(urls[port], head)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("answers HEAD without a body, and rejects other methods", async () => {
    const head = await fetch(`${urls[port]}${path}`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    for (const method of ["POST", "DELETE", "OPTIONS"]) {
      const response = await fetch(`${urls[port]}${path}`, { method });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    }
  });

  test("closes a connection without a request after ten seconds", async () => {
    const idle = openRaw(urls[port]);
    try {
      await eventually("the end of the connection", idle.isClosed, { withinMs: 40_000 });
      expect(idle.received()).toBe("");
    } finally {
      idle.socket.destroy();
    }
  });
});

test.each([
  ["gzip;q=0", null],
  ["gzip;q=0.5, identity", null],
  ["identity", null],
  ["gzip", "gzip"],
  ["GZIP;q=0.1", "gzip"],
  ["*", "gzip"],
])("metrics for Accept-Encoding %s have the encoding %s", async (accepted, encoding) => {
  const response = await fetch(`${urls.METRICS_PORT}/metrics`, {
    headers: { "accept-encoding": accepted },
  });
  expect(response.headers.get("content-encoding")).toBe(encoding);
  expect(response.headers.get("vary")).toBe("accept-encoding");
  expect(await response.text()).toContain("process_memory_rss");
});
