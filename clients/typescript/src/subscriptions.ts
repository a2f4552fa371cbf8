import { createClient, MessageType, type Client } from "graphql-ws/client";
import type { Operation } from "./operation.ts";
import { delayOf, wait, type RetryPolicy } from "./retries.ts";
import type { Session } from "./session.ts";
import { errorOfAnswer, isShopError, ShopError, type ResponseError } from "./shop-error.ts";

/** What a user of a subscription wants to know or decide. */
interface Follower {
  signal?: AbortSignal | undefined;
  onConnected?: (() => void) | undefined;
  onDisconnected?: (() => void) | undefined;
}

interface SubscriptionsOptions {
  /** The address of the WebSocket. */
  url: string;
  session: Session;
  policy: RetryPolicy;
  /** The class WebSocket of a package; the global one by default. */
  webSocket: unknown;
}

/** The close code for a token that is invalid, expired or revoked. */
const tokenRejected = 4403;
/** The close code for too many messages, and the seconds that the shop asks a client to wait. */
const tooManyMessages = 1013;
const tooManyMessagesSeconds = 5;
/** Close codes after which another connection would fail, too: one side breaks the protocol. */
const fatalCloseCodes = [1002, 1003, 1007, 1008, 1009, 1010, 4004, 4400, 4401, 4406, 4409, 4429];

/** A subscription that has lasted this long had a good connection. */
const stableMs = 30_000;
const pingMs = 10_000;
const pongWithinMs = 5_000;

/** What is used of a WebSocket. */
interface Sender {
  readonly readyState: number;
  send(message: string): void;
}

/** The state of a WebSocket that can send. */
const openState = 1;

/** Subscriptions over one WebSocket, which is open while there are subscriptions. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  #socket: Client | undefined;
  /** The socket of the connection, until it is closed. It may be closing. */
  #connected: Sender | undefined;
  /** What to do at each pong that the shop still has to send, in their order. */
  #pongs: (() => void)[] = [];
  /** The token of the last connection. */
  #token: string | undefined;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** Iterates over the events of a subscription, across lost connections. Throws TypeError. */
  iterate<Data>(
    operation: Operation,
    variables: Record<string, unknown>,
    follower: Follower = {},
  ): AsyncGenerator<Data, void, undefined> {
    if (this.#options.webSocket === undefined && !("WebSocket" in globalThis)) {
      throw new TypeError(
        "This runtime has no WebSocket: install the package ws, and pass its WebSocket as the option `webSocket` of ShopClient.",
      );
    }
    const { signal } = follower;
    const returned = new AbortController();
    const stop = signal ? AbortSignal.any([signal, returned.signal]) : returned.signal;
    const events = this.#events<Data>(operation, variables, stop, follower);
    const end = events.return.bind(events);
    // By itself, a generator ends only after its next event.
    events.return = (value) => {
      returned.abort();
      return end(value);
    };
    return events;
  }

  /** Connects again with the present session. */
  reconnect(): void {
    this.#socket?.terminate();
  }

  async close(): Promise<void> {
    await this.#socket?.dispose();
  }

  async *#events<Data>(
    operation: Operation,
    variables: Record<string, unknown>,
    stop: AbortSignal,
    { signal, onConnected, onDisconnected }: Follower,
  ): AsyncGenerator<Data, void, undefined> {
    let after = variables.after;
    const request = {
      query: operation.text,
      // Read for each connection.
      get variables() {
        return operation.takesAfter ? { ...variables, after } : variables;
      },
    };
    for (let failures = 0; !stop.aborted;) {
      const startedAt = Date.now();
      const socket = this.#connection();
      const onOpen = () => {
        this.#whenSubscribed(onConnected, stop);
      };
      const forget = socket.on("connected", onOpen);
      const results = socket.iterate(request);
      // The socket may be open already, for another subscription.
      if (this.#sender()) onOpen();
      const end = () => void results.return?.();
      stop.addEventListener("abort", end);
      try {
        for await (const { data, errors } of results) {
          if (errors) throw errorOfAnswer(errors, data);
          failures = 0;
          after = cursorOf(data) ?? after;
          yield data as Data;
        }
        break;
      } catch (error) {
        if (Date.now() - startedAt > stableMs) failures = 0;
        failures++;
        await this.#recover(error, failures, stop, onDisconnected);
      } finally {
        forget();
        stop.removeEventListener("abort", end);
      }
    }
    signal?.throwIfAborted();
  }

  /**
   * Calls a function when the shop delivers the events of the subscription that is being sent. It has
   * no message for this, but answers a ping after it has handled the subscriptions before it.
   */
  #whenSubscribed(call: (() => void) | undefined, stop: AbortSignal): void {
    if (call === undefined) return;
    setTimeout(() => {
      const sender = this.#sender();
      if (sender === undefined) return;
      this.#pongs.push(() => {
        if (!stop.aborted) call();
      });
      sender.send(JSON.stringify({ type: MessageType.Ping }));
    }, 0);
  }

  /** Returns the socket if it can send: graphql-ws closes it after the last subscription. */
  #sender(): Sender | undefined {
    return this.#connected?.readyState === openState ? this.#connected : undefined;
  }

  /** Waits until the next connection can be tried. Throws if it would fail, too. */
  async #recover(
    error: unknown,
    failures: number,
    stop: AbortSignal,
    onDisconnected: (() => void) | undefined,
  ): Promise<void> {
    const failure = errorOf(error);
    const delayMs = delayOf(failure, failures, this.#options.policy);
    if (stop.aborted) return;
    if (delayMs === undefined) throw failure;
    later(onDisconnected)();
    if (closeCodeOf(error) === tokenRejected && this.#token !== undefined) {
      const isRenewed = await this.#options.session.renew(this.#token).then(
        () => true,
        // The shop could not be asked. The next connection shows whether the token is valid.
        () => false,
      );
      if (isRenewed && failures === 1) return;
    }
    await wait(delayMs, stop).catch((reason: unknown) => {
      if (!stop.aborted) throw reason;
    });
  }

  #connection(): Client {
    if (this.#socket) return this.#socket;
    const { url, session, webSocket } = this.#options;
    let pongTimer: ReturnType<typeof setTimeout> | undefined;
    const socket = createClient({
      url,
      webSocketImpl: webSocket,
      // #events connects again: with another cursor, which graphql-ws does not know.
      retryAttempts: 0,
      keepAlive: pingMs,
      connectionAckWaitTimeout: pingMs,
      connectionParams: async () => {
        this.#token = await session.token();
        return this.#token === undefined ? {} : { authorization: this.#token };
      },
      on: {
        // A connection that was cut in the network is not closed: only a pong shows that it works.
        ping: (isReceived) => {
          if (isReceived) return;
          pongTimer = setTimeout(() => {
            socket.terminate();
          }, pongWithinMs);
          this.#pongs.push(() => {
            clearTimeout(pongTimer);
          });
        },
        pong: (isReceived) => {
          if (isReceived) this.#pongs.shift()?.();
        },
        connected: (opened) => {
          this.#connected = opened as Sender;
        },
        closed: () => {
          this.#connected = undefined;
          this.#pongs = [];
          clearTimeout(pongTimer);
        },
      },
    });
    this.#socket = socket;
    return socket;
  }
}

/** Returns the cursor of an event, which its only root field contains. */
function cursorOf(data: unknown): string | undefined {
  const [event] = Object.values((data ?? {}) as Record<string, { cursor?: unknown } | null>);
  return typeof event?.cursor === "string" ? event.cursor : undefined;
}

/** Returns a function that calls another one when what is being sent has been sent. */
function later(call: (() => void) | undefined): () => void {
  return () => {
    if (call !== undefined) setTimeout(call, 0);
  };
}

function closeCodeOf(error: unknown): number | undefined {
  const isClose = typeof error === "object" && error !== null && "code" in error;
  return isClose && typeof error.code === "number" ? error.code : undefined;
}

/** Makes the ShopError of what graphql-ws throws: a close event, a list of errors, or an error. */
function errorOf(error: unknown): ShopError {
  if (isShopError(error)) return error;
  if (Array.isArray(error)) return errorOfAnswer(error as ResponseError[], undefined);
  const closeCode = closeCodeOf(error);
  if (closeCode === undefined) {
    return new ShopError("NETWORK_ERROR", "The shop could not be reached.", { cause: error });
  }
  const { reason } = error as { reason?: string };
  const message = `The connection was closed: ${closeCode} ${reason ?? ""}`.trim();
  const code = fatalCloseCodes.includes(closeCode) ? "INVALID_RESPONSE" : "NETWORK_ERROR";
  const details = closeCode === tooManyMessages ? { retryAfter: tooManyMessagesSeconds } : {};
  return new ShopError(code, message, { cause: error, details });
}
