import { overloaded, sendHttpError } from "../http-errors.ts";
import type { TransferWatch } from "../transfer-watch.ts";
import type { Exchange, HttpAnswer } from "./exchange.ts";

/** Smaller responses are sent without a check of the buffered bytes. */
const smallResponseBytes = 65_536;
/** A client may take `readTimeMs` to read a response, plus its length at `readBytesPerMs`. */
const readTimeMs = 10_000;
const readBytesPerMs = 64;

/** Sends a response. One `writeHead` is several times faster than setting each header. */
export function sendAnswer(
  exchange: Exchange,
  { status, type, text }: HttpAnswer,
  transfers: TransferWatch,
): void {
  const { res, headers, held } = exchange;
  if (res.destroyed) return;
  const length = Buffer.byteLength(text);
  const excess = length > smallResponseBytes ? held.set(held.bytes + length) : undefined;
  if (excess !== undefined) {
    sendHttpError(res, headers, overloaded(excess));
    return;
  }
  headers.push("content-type", `${type}; charset=utf-8`, "content-length", String(length));
  res.writeHead(status, headers).end(text);
  if (res.writableLength > 0) waitForReader(exchange, length, transfers);
}

/** Limits the time and the memory of a response that the client has not read yet. */
function waitForReader(exchange: Exchange, length: number, transfers: TransferWatch): void {
  const { res, held } = exchange;
  const cut = () => res.destroy();
  if (length <= smallResponseBytes && held.set(held.bytes + length) !== undefined) {
    cut();
    return;
  }
  const start = () => {
    const endsAtMs = performance.now() + readTimeMs + length / readBytesPerMs;
    exchange.transfer = { endsAtMs, cut };
    transfers.add(exchange.transfer);
  };
  // A pipelined response gets the socket when those in front of it are sent.
  if (res.socket === null) res.once("socket", start);
  else start();
}
