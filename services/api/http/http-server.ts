import { apiErrors } from "../api.errors.ts";
import { randomUUID } from "node:crypto";
import {
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { LRUCache } from "lru-cache";
import { addressGroup } from "../../../core/caller-address.ts";
import {
  commonErrors,
  definitionOf,
  isUnreachable,
  type ErrorDefinition,
} from "../../../core/errors.ts";
import { resourceLimits, type ResourceUsage } from "../limits/resource-usage.ts";

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

/** A connection on which nothing moves for so long, while a request or its answer is under way, is cut. */
const stillMs = 30_000;

/**
 * Bounds the connections of each address, and of all. A proxy brings the connections of many, and
 * bounds them itself.
 */
export function limitConnections(
  server: Server,
  load: ResourceUsage,
  isProxy: (address: string) => boolean,
): void {
  const punishedUntilMs = new LRUCache<string, number>({ max: maxPunished });
  server.timeout = stillMs;
  server.maxConnections = resourceLimits.connections.inAll;
  server.on("connection", (socket: Socket) => {
    const { remoteAddress } = socket;
    // Who has gone already has no address any more.
    if (remoteAddress === undefined || isProxy(remoteAddress)) return;
    const group = addressGroup(remoteAddress);
    const isPunished = (punishedUntilMs.get(group) ?? 0) > performance.now();
    if (isPunished || load.acquire(group, "connections") !== undefined) {
      socket.destroy();
      return;
    }
    socket.once("close", () => {
      load.release(group, "connections");
      if (punishedSockets.has(socket)) punishedUntilMs.set(group, performance.now() + penaltyMs);
    });
  });
}

/** How long an address opens no further connection after one of its own was cut. */
const penaltyMs = 5_000;
const maxPunished = 10_000;
const punishedSockets = new WeakSet<Duplex>();

/**
 * Says of a connection that much more comes over it than any client sends. When it has ended, its
 * address opens no other for a while: it would dial anew at once, and each connection costs work
 * before it is cut.
 */
export function punish(socket: Duplex): void {
  punishedSockets.add(socket);
}

/** Punishes a connection, and cuts it. */
export function cut(socket: Duplex): void {
  punish(socket);
  socket.destroy();
}

/** Connections that are closed after an answer which is on its way. */
const closing = new WeakSet<Duplex>();
/** Those of them whose last answer is a refusal. */
const refused = new WeakSet<Duplex>();

/**
 * Closes the connection after this answer. Requests that have come together with its own, as many
 * as a thousand, are not looked at.
 */
export function closeAfter(res: ServerResponse): void {
  res.setHeader("connection", "close");
  closing.add(res.req.socket);
}

/** As `closeAfter`, for a refusal: whoever has sent many requests together with it is cut at once. */
export function closeAfterRefusal(res: ServerResponse): void {
  closeAfter(res);
  refused.add(res.req.socket);
}

export function isClosing({ socket }: IncomingMessage): boolean {
  return closing.has(socket);
}

/**
 * Requests of one connection that wait for their answers. Node reads further ones as long as nothing
 * is written, a megabyte of them at a time.
 */
const maxWaitingRequests = 1_000;
/** A connection with more of them is cut instead of answering one with a refusal. */
const maxPipelinedRefusals = 8;
/** On the socket itself: entries of a WeakMap make each garbage collection longer. */
const waitingRequests = Symbol("waiting requests");

type CountedSocket = Socket & { [waitingRequests]?: number };

/** Counts a request until it is answered. Gives false, and cuts its connection, where too many wait. */
export function countWaiting(req: IncomingMessage, res: ServerResponse): boolean {
  const socket: CountedSocket = req.socket;
  // Node reads what has come with the request that its connection was cut for.
  if (socket.destroyed) return false;
  const waiting = (socket[waitingRequests] ?? 0) + 1;
  socket[waitingRequests] = waiting;
  res.once("close", () => {
    socket[waitingRequests] = (socket[waitingRequests] ?? 1) - 1;
  });
  // Behind a refusal that is the last answer, none of them gets one.
  const max = refused.has(socket) ? maxPipelinedRefusals : maxWaitingRequests;
  if (waiting <= max) return true;
  cut(socket);
  return false;
}

/** Whether so many requests of its connection wait that its sender does not wait for answers. */
export function isPipelined(req: IncomingMessage): boolean {
  const socket: CountedSocket = req.socket;
  return (socket[waitingRequests] ?? 0) > maxPipelinedRefusals;
}

/** The authority in a request target of absolute form, and what stands behind it. */
const absoluteForm = /^https?:\/\/([^/?#]+)(.*)$/is;

/** Gives a request whose target names the host as well the form that all others have (RFC 9112, 3.2.2). */
export function toOriginForm(req: IncomingMessage): void {
  const { url = "" } = req;
  if (url.startsWith("/")) return;
  const [, authority, rest = ""] = absoluteForm.exec(url) ?? [];
  if (authority === undefined) return;
  // The target counts, whatever the header says.
  req.headers.host = authority;
  req.url = rest.startsWith("/") ? rest : `/${rest}`;
}

/** How long the connection of a refused upgrade stays for its client to read why. */
const refusedUpgradeMs = 1_000;

/** Answers an upgrade that is not made, and closes its connection. */
export function refuseUpgrade(socket: Duplex, status: number): void {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`;
  socket.end(`${head}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  // What still comes is let go: a connection closed over unread bytes is reset, and its answer lost.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), refusedUpgradeMs);
  socket.once("close", () => {
    clearTimeout(cut);
  });
}

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

/** Sends a text; one in bytes is not copied, however many are sent it at a time. */
export function sendText(
  res: ServerResponse,
  status: number,
  text: string | Buffer,
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
  const definition = errorFor(status, type);
  const isFault = definition === commonErrors.INTERNAL_SERVER_ERROR;
  const fault = isFault ? { traceId: randomUUID() } : undefined;
  if (fault !== undefined) logger.error(`request ${fault.traceId} failed`, error);
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const { code } = definition;
  const isNotFound = definition === apiErrors.BAD_REQUEST && status === 404;
  const message = isNotFound ? "There is nothing at this address." : definition.meaning;
  const answered = isNotFound ? 404 : definition.status;
  sendJson(res, answered, { errors: [{ message, extensions: { ...fault, code } }] });
}

function errorFor(status: unknown, type: unknown): ErrorDefinition {
  const { INTERNAL_SERVER_ERROR, SERVICE_UNAVAILABLE } = commonErrors;
  const definition = definitionOf(type);
  if (definition !== undefined) return definition;
  if (isUnreachable(type)) return SERVICE_UNAVAILABLE;
  if (typeof status !== "number" || status === 500) return INTERNAL_SERVER_ERROR;
  return status < 500 ? apiErrors.BAD_REQUEST : SERVICE_UNAVAILABLE;
}
