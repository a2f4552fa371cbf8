import type { ServerResponse } from "node:http";

export function sendJson(res: ServerResponse, status: number, body: unknown): void {
  sendText(res, status, JSON.stringify(body), "application/json; charset=utf-8");
}

/** Sends a text. A Buffer is not copied, so that concurrent responses share it. */
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
