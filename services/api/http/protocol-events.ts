import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { abandon, hasUnansweredRequest } from "./connection-limits.ts";
import { rejectUpgrade } from "./http-server.ts";

/**
 * Handles what Node's HTTP server would answer without the gateway's rules:
 * - CONNECT is rejected. Node would close the connection without a response, and would never close
 *   the responses that wait behind another one.
 * - A request with the header Expect is answered like any other. Node would send 100 Continue also
 *   for a body that the gateway rejects by its length.
 */
export function handleProtocolEvents(server: Server): void {
  server.on("connect", (req: IncomingMessage, socket: Duplex) => {
    // Node has removed its listeners, and an unhandled error would end the process.
    socket.on("error", () => socket.destroy());
    if (hasUnansweredRequest(req)) abandon(socket);
    else rejectUpgrade(socket, 405, "allow: GET, POST");
  });
  const answer = (req: IncomingMessage, res: ServerResponse) => {
    server.emit("request", req, res);
  };
  server.on("checkContinue", answer);
  server.on("checkExpectation", answer);
}
