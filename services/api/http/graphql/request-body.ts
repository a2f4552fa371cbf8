import type { IncomingMessage, ServerResponse } from "node:http";
import { cut } from "../connection-limits.ts";
import { expectationOf } from "../expectation.ts";
import type { ExceededLimit, HeldBytes } from "../../limits/resource-usage.ts";
import { maxBodyBytes } from "../../limits/request-limits.ts";
import type { TimeLimits } from "../../limits/time-limits.ts";

/** Smaller bodies are received without a check of buffered bytes, so that no flood blocks them. */
const smallBodyBytes = 16_384;
/** Each piece has a memory overhead. Clients that stream send pieces of 16 kB or more. */
const maxPieces = 2_048;
const bytesPerPiece = 256;
/** The longest pause between pieces of a large body. */
const maxPauseMs = 3_000;

/** The reason why a body is rejected. */
export class BodyError extends Error {
  readonly reason: "too large" | "too slow" | "too many pieces" | "not UTF-8" | ExceededLimit;

  constructor(reason: BodyError["reason"]) {
    super(`the body is rejected: ${reason}`);
    this.reason = reason;
  }
}

const newDecoder = () => new TextDecoder("utf-8", { fatal: true });
/** For bodies of one piece. It keeps no state between two of them. */
const utf8 = newDecoder();

/**
 * The body of a request, received within the memory limits. Receiving starts at once: Node would
 * buffer an unread body in any number of pieces, whose memory neither Node nor V8 counts.
 */
export class RequestBody {
  readonly #req: IncomingMessage;
  readonly #held: HeldBytes;
  readonly #timeLimits: TimeLimits;
  readonly #received = Promise.withResolvers<undefined>();
  readonly #take = (chunk: Buffer) => {
    this.#add(chunk);
  };
  /** The only piece so far: most bodies have no second one. */
  #first: Buffer | undefined;
  /**
   * Decodes the pieces of a longer body as they arrive. Pieces that were kept until the end would
   * take their memory a second time when they are joined, and a third time as text.
   */
  #decoder: ReturnType<typeof newDecoder> | undefined;
  #text = "";
  #pieces = 0;
  #bytes = 0;
  /** The memory of the text. A text with a character beyond Latin-1 takes two bytes for each. */
  #textBytes = 0;
  #isDropped = false;

  constructor(req: IncomingMessage, res: ServerResponse, held: HeldBytes, timeLimits: TimeLimits) {
    this.#req = req;
    this.#held = held;
    this.#timeLimits = timeLimits;
    // Prevents an unhandled rejection if nothing reads the body.
    this.#received.promise.catch(() => undefined);
    if (Number(req.headers["content-length"]) > maxBodyBytes) {
      this.#reject("too large");
      return;
    }
    if (expectationOf(req) === "continue") res.writeContinue();
    req.on("data", this.#take);
    req.once("error", (error) => {
      this.#end();
      this.#received.reject(error);
    });
    req.once("end", () => {
      this.#end();
      try {
        this.#text += this.#decoder?.decode() ?? utf8.decode(this.#first);
        this.#received.resolve(undefined);
      } catch {
        this.#received.reject(new BodyError("not UTF-8"));
      }
      if (this.#first !== undefined) free(this.#first);
      this.#first = undefined;
    });
  }

  /**
   * Resolves with the complete body, decoded as UTF-8, once. Rejects with a BodyError. The request
   * keeps this object until its response is sent, so neither it nor its promise keeps the text.
   */
  async text(): Promise<string> {
    await this.#received.promise;
    const text = this.#text;
    this.#clear();
    return text;
  }

  /** Rejects the body because its next piece takes too long. */
  abort(): void {
    this.#reject("too slow");
  }

  /** Discards the body after the response is sent. */
  drop(): void {
    this.#end();
    // A complete body may still be read: its client may have disconnected in the same moment.
    if (this.#isDropped || this.#req.readableEnded) return;
    this.#clear();
    this.#isDropped = true;
    this.#req.off("data", this.#take);
    dropBody(this.#req);
  }

  #add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#pieces += 1;
    if (this.#bytes > maxBodyBytes) this.#reject("too large");
    else if (this.#pieces > maxPieces) this.#reject("too many pieces");
    else if (this.#keep(chunk)) {
      const bytes = Math.max(this.#bytes, this.#textBytes) + this.#pieces * bytesPerPiece;
      if (bytes <= smallBodyBytes) return;
      const excess = this.#held.set(bytes);
      if (excess === undefined) this.#timeLimits.set(this, maxPauseMs);
      else this.#reject(excess);
    } else this.#reject("not UTF-8");
  }

  /** Keeps a piece. Returns false if it is not UTF-8. */
  #keep(chunk: Buffer): boolean {
    if (this.#pieces === 1) {
      this.#first = chunk;
      return true;
    }
    const pieces = this.#first === undefined ? [chunk] : [this.#first, chunk];
    this.#first = undefined;
    this.#decoder ??= newDecoder();
    try {
      for (const piece of pieces) {
        const text = this.#decoder.decode(piece, { stream: true });
        this.#text += text;
        this.#textBytes += text.length * (text.length < piece.length ? 2 : 1);
        free(piece);
      }
      return true;
    } catch {
      return false;
    }
  }

  #clear(): void {
    this.#first = undefined;
    this.#text = "";
  }

  #reject(reason: BodyError["reason"]): void {
    this.#received.reject(new BodyError(reason));
    this.drop();
  }

  #end(): void {
    this.#timeLimits.clear(this);
  }
}

/**
 * Reads and discards a body. Cuts the connection if the body exceeds the limits: Node would read it
 * to its end and buffer it until the response.
 */
export function dropBody(req: IncomingMessage): void {
  const { "content-length": length, "transfer-encoding": coding } = req.headers;
  if (length === undefined && coding === undefined) return;
  let bytes = 0;
  let pieces = 0;
  req.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    pieces += 1;
    free(chunk);
    if (pieces > maxPieces) cut(req.socket);
    else if (bytes > maxBodyBytes) req.socket.destroy();
  });
}

/**
 * Frees the memory of a received piece, which nothing reads any more. V8 would free it late: it sees
 * only the small object, so that the pieces of a flood of bodies would take 100 MB.
 */
function free({ buffer, byteLength }: Buffer): void {
  // Node copies each piece into memory of its own. Smaller buffers may share theirs.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
