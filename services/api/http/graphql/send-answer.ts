import { overloaded, sendHttpError } from "../http-errors.ts";
import type { TimeLimits } from "../../limits/time-limits.ts";
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
  timeLimits: TimeLimits,
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
  if (res.writableLength > 0) waitForReader(exchange, length, timeLimits);
}

/** Limits the time and the memory of a response that the client has not read yet. */
function waitForReader({ res, held }: Exchange, length: number, timeLimits: TimeLimits): void {
  if (length <= smallResponseBytes && held.set(held.bytes + length) !== undefined) {
    res.destroy();
    return;
  }
  const start = () => {
    const unread = { abort: () => res.destroy() };
    timeLimits.set(unread, readTimeMs + length / readBytesPerMs);
    res.once("close", () => {
      timeLimits.clear(unread);
    });
  };
  // A pipelined response gets the socket when those in front of it are sent.
  if (res.socket === null) res.once("socket", start);
  else start();
}
