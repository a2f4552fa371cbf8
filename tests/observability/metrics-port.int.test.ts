import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, expect, jest, test } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { PrometheusReporter } from "../../broker/metrics-reporter.ts";
import { instrumentsOf } from "../../core/metrics/instruments.ts";
import { freePort } from "../../tools/support/processes.ts";

afterEach(() => {
  jest.restoreAllMocks();
});

test("scrapes that are pipelined over a connection collect the metrics once, and all get them", async () => {
  const port = await freePort();
  const reporter = new PrometheusReporter({ port, host: "127.0.0.1" });
  const metrics = { enabled: true, reporter: reporter as unknown as "Prometheus" };
  const broker = new ServiceBroker({ logger: false, metrics });
  await broker.start();
  try {
    const collect = jest.spyOn(instrumentsOf(broker), "collect");
    const scrapes = 100;
    const socket = connect(port, "127.0.0.1");
    const request = (gzip: string, path: string) => `GET ${path} HTTP/1.1\r\nhost: node\r\n${gzip}`;
    const plain = `${request("", "/metrics")}\r\n`;
    const compressed = `${request("accept-encoding: gzip\r\n", "/metrics?from=test")}\r\n`;
    const last = `${request("connection: close\r\n", "/metrics")}\r\n`;
    socket.write((plain + compressed).repeat(scrapes) + last);
    let received = "";
    socket.on("data", (bytes: Buffer) => (received += bytes.toString("latin1")));
    await once(socket, "close");
    expect(received.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2 * scrapes + 1);
    expect(collect.mock.calls.length).toBeLessThan(scrapes / 2);
  } finally {
    await broker.stop();
  }
});
