import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http";
import { Server as NetServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import {
  commonErrors,
  definitionOf,
  isUnreachable,
  type ErrorDefinition,
} from "../../../core/errors.ts";
import { sendJson } from "../../../core/network/send.ts";
import { apiErrors } from "../api.errors.ts";
import { hasUnansweredRequest } from "./connection-limits.ts";

/** How long a request in flight may take after the server begins to stop. */
const closeTimeoutMs = 5_000;

/** Timeouts and limits of Node's HTTP server. */
export const serverTimeouts: ServerOptions = {
  // Longer than the idle timeout of load balancers: otherwise a balancer may send a request over a
  // connection that the server is closing.
  keepAliveTimeout: 75_000,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  // Some clients always offer an upgrade to h2c, which is not supported. Without an upgrade, the
  // request is answered like any other, in its turn.
  shouldUpgradeCallback: (req) =>
    req.headers.upgrade?.toLowerCase() === "websocket" && !hasUnansweredRequest(req),
};

/** How long a stopping server still answers requests on open connections, and closes each. */
const drainMs = 500;

/** Stops listening, waits for requests in flight, and cuts them after a timeout. */
export async function closeServer(server: Server | undefined): Promise<void> {
  if (!server?.listening) return;
  // Tells clients that the connection closes after this response.
  server.prependListener("request", (_req, res: ServerResponse) => {
    res.setHeader("connection", "close");
  });
  const closed = new Promise<void>((resolve) => {
    // The `close` of an HTTP server cuts idle connections, over which a request may be arriving.
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

/** Sets headers from alternating names and values. */
export function setHeaders(res: ServerResponse, headers: readonly string[]): void {
  for (let index = 0; index < headers.length; index += 2) {
    res.setHeader(headers[index] ?? "", headers[index + 1] ?? "");
  }
}

/** Sends an error from outside of GraphQL execution, in the form of a GraphQL response. */
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
  const sentStatus = isNotFound ? 404 : definition.status;
  sendJson(res, sentStatus, { errors: [{ message, extensions: { ...fault, code } }] });
}

/** Sends an unexpected error, unless the client has disconnected during its request. */
export function sendFailure(
  logger: ServiceBroker["logger"],
  error: unknown,
  req: IncomingMessage,
  res: ServerResponse,
): void {
  if (req.destroyed && !req.complete) return;
  sendError(res, error, logger);
}

function errorFor(status: unknown, type: unknown): ErrorDefinition {
  const { INTERNAL_SERVER_ERROR, SERVICE_UNAVAILABLE } = commonErrors;
  const definition = definitionOf(type);
  if (definition !== undefined) return definition;
  if (isUnreachable(type)) return SERVICE_UNAVAILABLE;
  if (typeof status !== "number" || status === 500) return INTERNAL_SERVER_ERROR;
  return status < 500 ? apiErrors.BAD_REQUEST : SERVICE_UNAVAILABLE;
}
