import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { answerClientErrors } from "./client-errors.ts";
import { STATUS_CODES } from "./http.ts";

/**
 * Handles what Node's HTTP server would answer by rules of its own:
 * - CONNECT is rejected. Node would close the connection without a response.
 * - A request with the header Expect is answered like any other. Node would send 100 Continue also
 *   for a body that is rejected by its length.
 * - What is no HTTP is rejected after the responses to earlier requests. Node would drop them.
 *
 * @param methods those that the server answers
 */
export function handleProtocolEvents(server: Server, methods: string): void {
  server.on("connect", (_req: IncomingMessage, socket: Duplex) => {
    // Node has removed its listeners, and an unhandled error would end the process.
    socket.on("error", () => socket.destroy());
    if (!socket.destroyed) rejectUpgrade(socket, 405, `allow: ${methods}`);
  });
  const answer = (req: IncomingMessage, res: ServerResponse) => {
    server.emit("request", req, res);
  };
  server.on("checkContinue", answer);
  server.on("checkExpectation", answer);
  answerClientErrors(server);
}

/** How long a client may take to read the response to a rejected upgrade. */
const rejectedUpgradeMs = 1_000;

/**
 * Rejects an upgrade with a status, and closes the connection.
 *
 * @param fields further lines of the response's head
 */
export function rejectUpgrade(socket: Duplex, status: number, ...fields: string[]): void {
  const start = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`;
  const lines = [start, ...fields, "connection: close", "content-length: 0", "", ""];
  socket.end(lines.join("\r\n"));
  // Discards unread bytes: closing a connection with unread bytes resets it and loses the response.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), rejectedUpgradeMs);
  socket.once("close", () => {
    clearTimeout(cut);
  });
}
