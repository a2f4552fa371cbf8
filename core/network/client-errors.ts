import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { STATUS_CODES } from "./http.ts";

/** How long the responses to the requests before an error may take. */
const earlierResponsesMs = 30_000;

/** The statuses of errors by their codes. Other errors have the status 400. */
const statuses: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

/** A connection with the response whose turn it is. No public property of Node tells it. */
type Connection = Socket & { _httpMessage?: ServerResponse | null };

/**
 * Answers what Node's parser rejects after the responses to earlier, complete requests. Node would
 * drop these responses, although the requests may have taken effect.
 */
export function answerClientErrors(server: Server): void {
  const seen = new WeakSet<Socket>();
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    // All that follows on the connection is an error, too.
    if (seen.has(socket)) return;
    seen.add(socket);
    answer(error, socket);
    if (socket.destroyed) return;
    const cut = setTimeout(() => socket.destroy(), earlierResponsesMs);
    socket.once("close", () => {
      clearTimeout(cut);
    });
  });
}

function answer(error: NodeJS.ErrnoException, socket: Connection): void {
  const response = socket._httpMessage;
  // The request of an incomplete body is the one that is rejected.
  const isEarlier = response?.req.complete === true || response?.writableEnded === true;
  if (isEarlier && !socket.destroyed) {
    response.once("close", () => {
      answer(error, socket);
    });
    return;
  }
  // A response with `Connection: close` was the last one. Node closes the connection when it is sent.
  if (socket.writableEnded) return;
  if (socket.writable && response?.headersSent !== true) {
    const status = statuses[error.code ?? ""] ?? 400;
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
  }
  socket.destroy(error);
}
