import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

interface Span {
  traceId: string;
  name: string;
}

/** The spans that the trace collector received. */
const spans: Span[] = [];
let sent = "";
const collector = createServer((req, res) => {
  void text(req).then((body) => {
    sent += body;
    spans.push(...(JSON.parse(body) as Span[]));
    res.writeHead(202).end();
  });
});
let shop: TestShop;

beforeAll(async () => {
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const { port } = collector.address() as AddressInfo;
  shop = await startTestShop({ TRACES_URL: `http://127.0.0.1:${port}`, TRACES_PERCENT: "100" });
});
afterAll(async () => {
  await shop.stop();
  collector.closeAllConnections();
  collector.close();
});

test("the calls of a request form one trace without parameters", async () => {
  const input = `{ email: "traced@example.com", username: "traced", password: "${password}", type: 0 }`;
  await shop.graphql(`mutation { registerUser(input: ${input}) { id } }`, {
    headers: { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
  });
  const span = await eventually("the trace", () =>
    spans.find(({ name }) => name.includes("users.register")),
  );
  expect("4bf92f3577b34da6a3ce929d0e0e4736").toContain(span.traceId);
  expect(sent).not.toMatch(/traced|example\.com/);
  expect(sent).not.toContain(password);
});
