import type { Server, ServerOptions, ServerResponse } from "node:http";
import { Server as NetServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { errorCatalogue, isErrorCode, isUnreachable, type ErrorCode } from "../../core/errors.ts";

/** How long a connection that is in the middle of a request may go on when the server stops. */
const closeTimeoutMs = 5_000;

/** The port cannot be listened on; the message is for people. */
class ListenError extends Error {
  override readonly name = "ListenError";
}

/** Listens, or throws a ListenError that says why not. */
export function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === "EADDRINUSE"
          ? `Port ${port} is taken by another program; choose another one, for example PORT=${port + 1}.`
          : `Cannot listen on ${host}:${port} (${error.message}).`;
      reject(new ListenError(reason));
    });
    server.listen(port, host, resolve);
  });
}

/** What a client may take its time for. */
export const serverTimeouts: ServerOptions = {
  // Longer than a balancer keeps idle connections, so that none is closed in the very moment in
  // which the balancer sends the next request over it.
  keepAliveTimeout: 75_000,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  // What else somebody could upgrade to is not spoken here: h2c, which some clients offer always.
  shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
};

/** How long a server that stops still answers on connections that are there, and closes each. */
const drainMs = 500;

/** Stops listening, lets requests under way finish, and cuts what takes too long. */
export async function closeServer(server: Server | undefined): Promise<void> {
  if (!server?.listening) return;
  // Whoever sends now learns from the answer that it was the last one here.
  server.prependListener("request", (_req, res: ServerResponse) => {
    res.setHeader("connection", "close");
  });
  const closed = new Promise<void>((resolve) => {
    // An HTTP server's own `close` would cut idle connections, over which a request may be coming.
    NetServer.prototype.close.call(server, () => {
      resolve();
    });
  });
  const connections = await new Promise<number>((resolve, reject) => {
    server.getConnections((error, count) => {
      if (error) reject(error);
      else resolve(count);
    });
  });
  if (connections > 0) await Promise.race([closed, sleep(drainMs)]);
  server.closeIdleConnections();
  const cut = setTimeout(() => {
    server.closeAllConnections();
  }, closeTimeoutMs);
  await closed;
  clearTimeout(cut);
}

/** Sets headers, whose names and values are given in turn. */
export function setHeaders(res: ServerResponse, headers: readonly string[]): void {
  for (let index = 0; index < headers.length; index += 2) {
    res.setHeader(headers[index] ?? "", headers[index + 1] ?? "");
  }
}

export function sendJson(res: ServerResponse, status: number, body: unknown): void {
  sendText(res, status, JSON.stringify(body), "application/json; charset=utf-8");
}

export function sendText(
  res: ServerResponse,
  status: number,
  text: string,
  contentType = "text/plain; charset=utf-8",
): void {
  res
    .writeHead(status, {
      "content-type": contentType,
      "content-length": Buffer.byteLength(text),
    })
    .end(text);
}

/** Answers a request that failed outside of GraphQL, in GraphQL's form. */
export function sendError(
  res: ServerResponse,
  error: unknown,
  logger: ServiceBroker["logger"],
): void {
  const { code: status, type } = error as { code?: unknown; type?: unknown };
  const code = codeFor(status, type);
  if (code === "INTERNAL_SERVER_ERROR") logger.error("a request failed", error);
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const notFound = code === "BAD_REQUEST" && status === 404;
  const message = notFound ? "There is nothing at this address." : errorCatalogue[code].meaning;
  const answered = notFound ? 404 : errorCatalogue[code].status;
  sendJson(res, answered, { errors: [{ message, extensions: { code } }] });
}

function codeFor(status: unknown, type: unknown): ErrorCode {
  if (isErrorCode(type)) return type;
  if (isUnreachable(type)) return "SERVICE_UNAVAILABLE";
  if (typeof status !== "number" || status === 500) return "INTERNAL_SERVER_ERROR";
  return status < 500 ? "BAD_REQUEST" : "SERVICE_UNAVAILABLE";
}
