import type { IncomingMessage } from "node:http";
import type { Excess, HeldBytes } from "./load.ts";
import { maxBodyBytes } from "./request-limits.ts";
import type { Transfer, TransferWatch } from "./transfer-watch.ts";

/** Bodies up to here are always received: nearly all are, and no flood keeps them out. */
const smallBodyBytes = 16_384;
/** Each piece takes memory of its own, however small it is. A client that streams sends 16 kB and more. */
const maxPieces = 2_048;
const bytesPerPiece = 256;
/** A large body that has stopped for so long is not waited for. */
const maxPauseMs = 3_000;

/** A body that is not taken. */
export class BodyRefused extends Error {
  readonly reason: "too large" | "too slow" | "too many pieces" | "no UTF-8" | Excess;

  constructor(reason: BodyRefused["reason"]) {
    super(`the body is refused: ${reason}`);
    this.reason = reason;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads the body as UTF-8, as far as there is room for it. Rejects with BodyRefused. */
export function readBody(
  req: IncomingMessage,
  held: HeldBytes,
  transfers: TransferWatch,
): Promise<string> {
  return new Promise((resolve, reject) => {
    if (Number(req.headers["content-length"]) > maxBodyBytes) {
      reject(new BodyRefused("too large"));
      return;
    }
    if (req.destroyed) {
      reject(new Error("The sender has gone before the body was read."));
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    let transfer: Transfer | undefined;
    const end = () => {
      if (transfer !== undefined) transfers.done(transfer);
    };
    const refuse = (reason: BodyRefused["reason"]) => {
      end();
      // What comes now is let go.
      req.off("data", take);
      req.resume();
      chunks.length = 0;
      reject(new BodyRefused(reason));
    };
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > maxBodyBytes) refuse("too large");
      else if (chunks.length > maxPieces) refuse("too many pieces");
      else if (bytes + chunks.length * bytesPerPiece > smallBodyBytes) {
        const excess = held.set(bytes + chunks.length * bytesPerPiece);
        if (excess !== undefined) {
          refuse(excess);
          return;
        }
        const endsAtMs = performance.now() + maxPauseMs;
        if (transfer === undefined) {
          transfer = {
            endsAtMs,
            cut: () => {
              refuse("too slow");
            },
          };
          transfers.add(transfer);
        } else {
          transfer.endsAtMs = endsAtMs;
        }
      }
    };
    req.on("data", take);
    req.once("error", (error) => {
      end();
      reject(error);
    });
    req.once("end", () => {
      end();
      try {
        resolve(utf8.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
      } catch {
        reject(new BodyRefused("no UTF-8"));
      }
      // The request keeps its listeners, and so them, until it is answered.
      chunks.length = 0;
    });
  });
}
