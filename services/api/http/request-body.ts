import type { IncomingMessage } from "node:http";
import { cut } from "./http-server.ts";
import type { ExceededLimit, HeldBytes } from "../limits/resource-usage.ts";
import { maxBodyBytes } from "../limits/request-limits.ts";
import type { Transfer, TransferWatch } from "./transfer-watch.ts";

/** Bodies up to here are always received: nearly all are, and no flood keeps them out. */
const smallBodyBytes = 16_384;
/** Each piece takes memory of its own, however small it is. A client that streams sends 16 kB and more. */
const maxPieces = 2_048;
const bytesPerPiece = 256;
/** A large body that has stopped for so long is not waited for. */
const maxPauseMs = 3_000;

/** A body that is not taken. */
export class BodyError extends Error {
  readonly reason: "too large" | "too slow" | "too many pieces" | "no UTF-8" | ExceededLimit;

  constructor(reason: BodyError["reason"]) {
    super(`the body is refused: ${reason}`);
    this.reason = reason;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The body of a request, received as far as there is room for it. It is received from the moment on
 * in which its request is there: what comes while nobody takes it would be kept in any number of
 * pieces, of which each takes memory that neither Node nor V8 counts.
 */
export class RequestBody {
  readonly #req: IncomingMessage;
  readonly #held: HeldBytes;
  readonly #transfers: TransferWatch;
  readonly #received = Promise.withResolvers<string>();
  readonly #take = (chunk: Buffer) => {
    this.#add(chunk);
  };
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isDropped = false;
  #transfer: Transfer | undefined;

  constructor(req: IncomingMessage, held: HeldBytes, transfers: TransferWatch) {
    this.#req = req;
    this.#held = held;
    this.#transfers = transfers;
    // Whether anybody reads it or not.
    this.#received.promise.catch(() => undefined);
    if (Number(req.headers["content-length"]) > maxBodyBytes) {
      this.#refuse("too large");
      return;
    }
    req.on("data", this.#take);
    req.once("error", (error) => {
      this.#end();
      this.#received.reject(error);
    });
    req.once("end", () => {
      this.#end();
      try {
        const [only] = this.#chunks;
        const whole = this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks);
        this.#received.resolve(utf8.decode(whole));
      } catch {
        this.#received.reject(new BodyError("no UTF-8"));
      }
      // The request keeps its listeners, and so them, until it is answered.
      this.#chunks = [];
    });
  }

  /** The whole of it, as UTF-8. Rejects with BodyRefused. */
  text(): Promise<string> {
    return this.#received.promise;
  }

  /** Lets go of it: its request is answered already. */
  drop(): void {
    this.#end();
    this.#chunks = [];
    if (this.#isDropped || this.#req.readableEnded) return;
    this.#isDropped = true;
    this.#req.off("data", this.#take);
    dropBody(this.#req);
  }

  #add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    const pieces = this.#chunks.length;
    const bytes = this.#bytes + pieces * bytesPerPiece;
    if (this.#bytes > maxBodyBytes) this.#refuse("too large");
    else if (pieces > maxPieces) this.#refuse("too many pieces");
    else if (bytes > smallBodyBytes) {
      const excess = this.#held.set(bytes);
      if (excess === undefined) this.#goOn();
      else this.#refuse(excess);
    }
  }

  /** A large body has some time for its next piece. */
  #goOn(): void {
    const endsAtMs = performance.now() + maxPauseMs;
    if (this.#transfer !== undefined) {
      this.#transfer.endsAtMs = endsAtMs;
      return;
    }
    const refuse = () => {
      this.#refuse("too slow");
    };
    this.#transfer = { endsAtMs, cut: refuse };
    this.#transfers.add(this.#transfer);
  }

  #refuse(reason: BodyError["reason"]): void {
    this.#received.reject(new BodyError(reason));
    this.drop();
  }

  #end(): void {
    if (this.#transfer !== undefined) this.#transfers.done(this.#transfer);
    this.#transfer = undefined;
  }
}

/**
 * Reads a body that nobody wants, and keeps nothing. Whoever goes on and on with it is cut: Node
 * would read it to its end, and keep what comes before the answer.
 */
export function dropBody(req: IncomingMessage): void {
  const { "content-length": length, "transfer-encoding": coding } = req.headers;
  if (length === undefined && coding === undefined) return;
  let bytes = 0;
  let pieces = 0;
  req.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    pieces += 1;
    if (pieces > maxPieces) cut(req.socket);
    else if (bytes > maxBodyBytes) req.socket.destroy();
  });
}
