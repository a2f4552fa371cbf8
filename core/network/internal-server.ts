import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { handleProtocolEvents } from "./protocol-events.ts";
import { pathOf, toOriginForm } from "./request-target.ts";

const methods = "GET, HEAD";

/** How long a connection to an internal port may be without traffic, also before a request. */
const idleTimeoutMs = 10_000;

/** Sets the limits of a server of an internal port: `HEALTH_PORT` or `METRICS_PORT`. */
export function limitInternalServer(server: Server): void {
  server.timeout = idleTimeoutMs;
  handleProtocolEvents(server, methods);
}

/**
 * Returns the path of a request that an internal server answers. Answers a request by another method
 * itself, and returns undefined. Node omits the body of the response to HEAD.
 */
export function pathToAnswer(req: IncomingMessage, res: ServerResponse): string | undefined {
  if (req.method !== "GET" && req.method !== "HEAD") {
    res.writeHead(405, { allow: methods }).end();
    return undefined;
  }
  toOriginForm(req);
  return pathOf(req);
}
