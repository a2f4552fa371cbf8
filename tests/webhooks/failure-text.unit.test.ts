import { readFileSync } from "node:fs";
import { lookup } from "node:dns";
import { once } from "node:events";
import { createServer as createHttpsServer } from "node:https";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { failureText } from "../../services/webhooks/sending/failure-text.ts";
import { sendWebhook } from "../../services/webhooks/sending/send-webhook.ts";
import { projectDir } from "../../tools/support/processes.ts";

const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** Listens on a port of 127.0.0.1, which it returns. */
async function portOf(server: Server): Promise<number> {
  servers.push(server.listen(0, "127.0.0.1"));
  server.on("connection", (socket: Socket) => {
    sockets.add(socket.on("error", () => undefined));
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Sends a webhook to a URL, and returns why it failed. */
async function failureOf(url: string): Promise<string | null> {
  const signal = AbortSignal.timeout(10_000);
  const { error } = await sendWebhook({
    url: new URL(url),
    headers: {},
    body: "{}",
    lookup,
    signal,
  });
  return error;
}

const tlsFile = (name: string) =>
  readFileSync(join(projectDir, "tools", "support", "tls", name), "utf8");

test("a webhook that cannot be sent fails with a sentence and a code", async () => {
  const tls = { key: tlsFile("test-server-key.pem"), cert: tlsFile("test-server.pem") };
  const unknownCa = await portOf(createHttpsServer(tls));
  expect(await failureOf(`https://127.0.0.1:${unknownCa}`)).toBe(
    "The certificate of the endpoint is not from a known CA (UNABLE_TO_VERIFY_LEAF_SIGNATURE).",
  );
  const other = await portOf(createServer((socket) => socket.end("220 mail\r\n")));
  expect(await failureOf(`https://127.0.0.1:${other}`)).toMatch(
    /^The TLS handshake with the endpoint failed \(\w+\)\.$/,
  );
  expect(await failureOf(`http://127.0.0.1:${other}`)).toMatch(
    /^The endpoint did not answer with HTTP \(HPE_\w+\)\.$/,
  );
  const headers = `HTTP/1.1 200 OK\r\nlong: ${"x".repeat(10_000)}\r\n\r\n`;
  const long = await portOf(createServer((socket) => socket.end(headers)));
  expect(await failureOf(`http://127.0.0.1:${long}`)).toBe(
    "The headers of the answer are too long (HPE_HEADER_OVERFLOW).",
  );
  expect(await failureOf("http://nowhere.invalid/hook")).toMatch(
    /^The host name nowhere\.invalid (?:was not found|could not be resolved: .*) \(\w+\)\.$/,
  );
});

test.each([
  [{ code: "ENOTFOUND", syscall: "queryA" }, "The host name h.example was not found (ENOTFOUND)."],
  [{ code: "ENODATA", syscall: "queryA" }, "The host name h.example has no address (ENODATA)."],
  [
    { code: "EAI_AGAIN", syscall: "getaddrinfo" },
    "The host name h.example could not be resolved: DNS does not answer (EAI_AGAIN).",
  ],
  [
    { code: "ECONNREFUSED", syscall: "queryA" },
    "The host name h.example could not be resolved: DNS does not answer (ECONNREFUSED).",
  ],
  [{ code: "ECONNREFUSED", syscall: "connect" }, "The connection was refused (ECONNREFUSED)."],
  [{ code: "EHOSTUNREACH", syscall: "connect" }, "The host cannot be reached (EHOSTUNREACH)."],
  [{ code: "CERT_HAS_EXPIRED" }, "The certificate of the endpoint has expired (CERT_HAS_EXPIRED)."],
  [
    { code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
    "The certificate of the endpoint is not from a known CA (DEPTH_ZERO_SELF_SIGNED_CERT).",
  ],
  [{ code: "CERT_UNTRUSTED" }, "The certificate of the endpoint is not valid (CERT_UNTRUSTED)."],
  [{ code: "ENEW" }, "The connection failed (ENEW)."],
  [{}, "The connection failed."],
])("the failure %j has the sentence: %s", (fault, sentence) => {
  expect(failureText(fault, "h.example")).toBe(sentence);
});
