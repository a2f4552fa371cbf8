import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A webhook that a receiver got. */
export interface Received {
  headers: Record<string, string>;
  body: string;
  payload: { type: string; timestamp: string; data: Record<string, unknown> };
}

/** Answers a webhook: with a status, or by itself. */
type Respond = (received: Received, res: ServerResponse) => number | undefined;

/** An endpoint on 127.0.0.1 that records webhooks. */
export interface Receiver {
  url: string;
  /** All webhooks, in the order of their arrival. */
  received: Received[];
  /** Changes the answers; 204 at first. */
  respond: (respond: Respond) => void;
  close: () => Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  let answer: Respond = () => 204;
  const server = createServer((req, res) => {
    let body = "";
    req.on("data", (chunk: Buffer) => (body += chunk.toString()));
    req.on("end", () => {
      const payload = JSON.parse(body) as Received["payload"];
      const webhook = { headers: textsOf(req.headers), body, payload };
      received.push(webhook);
      const status = answer(webhook, res);
      if (status !== undefined) res.writeHead(status).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    respond: (respond) => (answer = respond),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function textsOf(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
