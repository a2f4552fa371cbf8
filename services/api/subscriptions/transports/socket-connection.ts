import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { CloseCode } from "graphql-ws";
import type { WebSocket } from "ws";
import type { RequestParams } from "../../graphql/graphql-operation.ts";
import { HeldBytes, type ResourceUsage } from "../../limits/resource-usage.ts";
import { checkEveryMs, maxUnreadBytes, type LiveClient } from "./live-client.ts";
import type { LiveOperation } from "./live-operation.ts";

/** Unread bytes of a client. Beyond, its pings get no pong. */
const maxUnreadForPong = 16_384;
const closeWaitMs = 1_000;
/** Clients wait about five seconds for a pong. */
const maxOpeningMs = 2_000;

/** A WebSocket connection: its memory, its state and its end. */
export class SocketConnection {
  readonly socket: WebSocket;
  /** The TCP connection. */
  readonly stream: Duplex;
  readonly client: LiveClient;
  /** The message that is being handled, until its handler first waits. */
  message = "";
  /** Running operations by id. */
  readonly running = new Map<string, LiveOperation>();
  /** Incomplete messages and unread responses. */
  readonly #held: HeldBytes;
  /** Estimated bytes of incomplete messages. */
  #incompleteBytes = 0;
  /** Length of the last chunk, which is the most that can remain after a complete message. */
  #lastChunkBytes = 0;

  constructor(socket: WebSocket, stream: Duplex, client: LiveClient, usage: ResourceUsage) {
    this.socket = socket;
    this.stream = stream;
    this.client = client;
    this.#held = new HeldBytes(usage, client.group);
    // Before `ws` handles the message that this chunk may complete.
    stream.prependListener("data", (bytes: Buffer) => {
      this.#lastChunkBytes = bytes.length;
      this.#incompleteBytes += bytes.length;
      this.#updateHeldBytes();
    });
  }

  /** Whether the client reads fast enough to get pongs. */
  get isReading(): boolean {
    return this.socket.bufferedAmount <= maxUnreadForPong;
  }

  /**
   * Resolves when the subscriptions that the client has asked for receive events, at the latest after
   * `maxOpeningMs`: the client waits for its pong.
   */
  async untilOpened(): Promise<void> {
    const opening = [...this.running.values()].filter(({ isOpen }) => !isOpen);
    if (opening.length === 0) return;
    const opened = Promise.all(opening.map((operation) => operation.opened));
    await Promise.race([opened, delay(maxOpeningMs, undefined, { ref: false })]);
  }

  /** Notes that a message was received completely. */
  received(data: Buffer): void {
    this.#incompleteBytes = Math.min(
      Math.max(0, this.#incompleteBytes - data.length),
      this.#lastChunkBytes,
    );
  }

  /** Handles a received message. Closes the connection after a message against the protocol or a fault. */
  async handle(
    message: string,
    handler: (message: string) => Promise<void>,
    onFault: (error: unknown) => void,
  ): Promise<void> {
    this.message = message;
    const handled = handler(message);
    this.message = "";
    try {
      await handled;
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("Unexpected message")) {
        closeSocket(this.socket, CloseCode.BadRequest, "Invalid message");
        return;
      }
      onFault(error);
      closeSocket(this.socket, CloseCode.InternalServerError, "Internal server error");
    }
  }

  /** Sends a message. Resolves when it is sent, or when the connection is closed. */
  send(message: string): Promise<void> {
    const { socket } = this;
    return new Promise((resolve) => {
      if (socket.readyState !== socket.OPEN) {
        resolve();
        return;
      }
      if (socket.bufferedAmount > maxUnreadBytes) {
        socket.terminate();
        resolve();
        return;
      }
      // An error means that the client has disconnected. Then the connection closes by itself.
      socket.send(message, () => {
        this.#updateHeldBytes();
        resolve();
      });
      this.#updateHeldBytes();
    });
  }

  pong(data: Buffer): void {
    if (this.isReading) this.socket.pong(data, false, ignored);
  }

  /**
   * Cuts the connection if the client does not respond. Returns the timer.
   *
   * @param admitsPong returns whether a pong counts
   */
  keepAlive(admitsPong: (data: Buffer) => boolean, onFault: (error: unknown) => void) {
    const { socket } = this;
    let hasPong = true;
    socket.on("pong", (data) => {
      if (admitsPong(data)) hasPong = true;
    });
    const check = async () => {
      if (!hasPong || socket.bufferedAmount > maxUnreadBytes) {
        socket.terminate();
        return;
      }
      hasPong = false;
      socket.ping(undefined, false, ignored);
      await this.client.review();
    };
    return setInterval(() => {
      check().catch((error: unknown) => {
        onFault(error);
        socket.terminate();
      });
    }, checkEveryMs);
  }

  /** Ends an operation. */
  end(id: string): void {
    this.running.get(id)?.end();
    this.running.delete(id);
  }

  /** Releases what a closed connection held. */
  release(): void {
    this.client.close();
    for (const id of this.running.keys()) this.end(id);
    this.#held.set(0);
  }

  /** Updates the buffered bytes of a connection, and cuts it if they exceed a limit. */
  #updateHeldBytes(): void {
    const { socket } = this;
    if (socket.readyState === socket.CLOSED) return;
    const bytes = socket.bufferedAmount + this.#incompleteBytes;
    if (this.#held.set(bytes) !== undefined) socket.terminate();
  }
}

/**
 * Moves the members of a message's payload to a new object: graphql-ws keeps the payload as long as
 * the operation or the connection.
 */
export function takeMembers(payload: object): Record<string, unknown> {
  const members = { ...payload };
  for (const name of Object.keys(payload)) Reflect.deleteProperty(payload, name);
  return members;
}

/** Returns a function that parses a message. The function keeps nothing but the text. */
export function laterFrom(message: string): () => RequestParams {
  return () => (JSON.parse(message) as { payload: RequestParams }).payload;
}

/** Ignores the error of sending to a closed connection. */
function ignored(): void {
  /* the connection closes by itself */
}

/** Closes a connection, and cuts it if the client does not close its side in time. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState !== socket.OPEN) return;
  socket.close(code, reason);
  const cut = setTimeout(() => {
    socket.terminate();
  }, closeWaitMs).unref();
  socket.once("close", () => {
    clearTimeout(cut);
  });
}

/** Closes with a code after which clients reconnect with a new token. */
export function closeExpired(socket: WebSocket): void {
  closeSocket(socket, CloseCode.Forbidden, "The token is no longer valid.");
}
