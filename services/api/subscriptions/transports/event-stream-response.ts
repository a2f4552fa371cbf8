import { overloaded } from "../../http/http-errors.ts";
import type { ServerResponse } from "node:http";
import type { ExecutionResult } from "graphql";
import { ClientError, commonErrors } from "../../../../core/errors.ts";
import type { Operation } from "../../graphql/graphql-operation.ts";
import type { Deadline } from "../../limits/deadline.ts";
import type { HeldBytes } from "../../limits/resource-usage.ts";
import { checkEveryMs, LiveClient, maxUnreadBytes, type LiveGateway } from "./live-client.ts";
import { asGraphql, formatResult, LiveOperation } from "./live-operation.ts";

/** A comment, which clients ignore. It keeps proxies from closing an idle connection. */
const keepAlive = ":\n\n";
const complete = "event: complete\ndata:\n\n";

/** Returns the event of a result. JSON has no line breaks. */
function next(result: string, cursor?: string): string {
  const id = cursor === undefined ? "" : `id: ${cursor}\n`;
  return `event: next\n${id}data: ${result}\n\n`;
}

/** Returns the complete event stream of a query, of a mutation or of a rejected document. */
export function streamOf(result: string): string {
  return next(result) + complete;
}

/** A request that accepts an event stream, and its response. */
export interface StreamExchange {
  res: ServerResponse;
  /** Response headers, as alternating names and values. */
  headers: string[];
  address: string;
  authorization: string | undefined;
  requestId: string;
  deadline: Deadline;
  held: HeldBytes;
}

/**
 * Serves subscriptions as Server-Sent Events by the "distinct connections mode" of graphql-sse: one
 * response for each subscription. Its limits are those of a WebSocket connection.
 */
export class EventStreamResponses {
  readonly #gateway: LiveGateway;
  readonly #open = new Set<EventStreamResponse>();
  #isClosed = false;

  constructor(gateway: LiveGateway) {
    this.#gateway = gateway;
  }

  /**
   * Opens the response of a subscription, which ends later. Throws TOO_MANY_REQUESTS, or the error of
   * an overloaded gateway, before the response has begun.
   */
  async open(exchange: StreamExchange, operation: Operation): Promise<void> {
    if (this.#isClosed) throw overloaded("gateway");
    const response = new EventStreamResponse(this.#gateway, exchange);
    this.#open.add(response);
    exchange.res.once("close", () => {
      this.#open.delete(response);
      response.release();
    });
    await response.open(operation);
  }

  /** Authenticates all clients again after sessions may have ended. */
  review(): void {
    for (const { client } of this.#open) void client.review();
  }

  /** Ends all responses without `complete`, so that clients connect again. Opens no more. */
  close(): void {
    this.#isClosed = true;
    for (const response of this.#open) response.end();
  }
}

class EventStreamResponse {
  readonly client: LiveClient;
  readonly #gateway: LiveGateway;
  readonly #exchange: StreamExchange;
  readonly #operation: LiveOperation;
  #events: AsyncIterator<ExecutionResult> | undefined;
  #checks: NodeJS.Timeout | undefined;
  /** Resolves when the client disconnects. */
  readonly #closed = Promise.withResolvers<undefined>();
  /** Whether the kernel has not accepted a write yet, and had not at the last check. */
  #isWriting = false;
  #isSlow = false;
  #isEnded = false;

  constructor(gateway: LiveGateway, exchange: StreamExchange) {
    this.#gateway = gateway;
    this.#exchange = exchange;
    this.client = new LiveClient(gateway, exchange, () => {
      const message = "The token is no longer valid. Renew it, then subscribe again.";
      this.#endWith(new ClientError(commonErrors.UNAUTHENTICATED, message));
    });
    this.#operation = new LiveOperation(gateway, this.client, exchange.deadline);
  }

  /** Subscribes, and starts the response. Throws TOO_MANY_REQUESTS. */
  async open(operation: Operation): Promise<void> {
    const { res, authorization } = this.#exchange;
    const { logger } = this.#gateway.parts;
    const rejection =
      authorization === undefined ? undefined : await this.client.signIn(authorization);
    if (res.destroyed) return;
    if (rejection !== undefined) {
      this.#endWith(new ClientError(commonErrors.UNAUTHENTICATED, rejection));
      return;
    }
    this.#operation.start("subscription");
    // The response starts when the subscription gets events, so that its client misses none.
    const events = await operation.subscribe();
    if (this.#isEnded) {
      if (Symbol.asyncIterator in events) await events.return();
      return;
    }
    this.#start();
    if (!(Symbol.asyncIterator in events)) {
      void this.#write(streamOf(this.#format(events)));
      this.end();
      return;
    }
    this.#events = events;
    this.#checks = setInterval(() => {
      this.#check().catch((error: unknown) => {
        logger.error("The check of an event stream failed.", error);
        res.destroy();
      });
    }, checkEveryMs);
    void this.#pump(events);
  }

  /** Ends the response without `complete`. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#stop();
    const { res } = this.#exchange;
    if (res.headersSent) res.end();
    else res.destroy();
  }

  /** Releases what the response held, after it is closed. */
  release(): void {
    this.#isEnded = true;
    this.#closed.resolve(undefined);
    this.#stop();
    this.client.close();
    this.#operation.end();
  }

  #stop(): void {
    clearInterval(this.#checks);
    void this.#events?.return?.();
  }

  #start(): void {
    const { res, headers, held } = this.#exchange;
    // The request is complete.
    held.set(0);
    headers.push("content-type", "text/event-stream; charset=utf-8");
    // Caches must not keep it, and nginx must not buffer it.
    headers.push("cache-control", "no-transform", "x-accel-buffering", "no");
    res.writeHead(200, headers);
    void this.#write(keepAlive);
  }

  async #pump(events: AsyncIterable<ExecutionResult> & { cursor: string | undefined }) {
    try {
      for await (const result of events) {
        this.#operation.chargeDelivery();
        await this.#write(next(this.#format(result), events.cursor));
      }
      this.#endWith();
    } catch (error) {
      this.#endWith(error);
    }
  }

  /** Ends the response with `complete`, after an error if there is one. */
  #endWith(error?: unknown): void {
    if (this.#isEnded) return;
    if (!this.#exchange.res.headersSent) this.#start();
    const last = error === undefined ? "" : next(this.#format({ errors: [asGraphql(error)] }));
    void this.#write(last + complete);
    this.end();
  }

  #format(result: ExecutionResult): string {
    const { execution } = this.#gateway;
    return JSON.stringify(formatResult(execution, result, this.#exchange.requestId));
  }

  /** Writes a text. Resolves when the kernel has accepted it, or when the client has disconnected. */
  async #write(text: string): Promise<void> {
    const { res } = this.#exchange;
    if (this.#isEnded || res.destroyed) return;
    if (res.writableLength > maxUnreadBytes) {
      res.destroy();
      return;
    }
    this.#isWriting = true;
    const written = new Promise<void>((resolve) => {
      res.write(text, () => {
        this.#isWriting = res.writableLength > 0;
        this.#isSlow &&= this.#isWriting;
        this.#updateHeldBytes();
        resolve();
      });
    });
    this.#updateHeldBytes();
    await Promise.race([written, this.#closed.promise]);
  }

  /** Cuts the connection of a client that does not read, and reviews the token of any other. */
  async #check(): Promise<void> {
    if (this.#isWriting && this.#isSlow) {
      this.#exchange.res.destroy();
      return;
    }
    this.#isSlow = this.#isWriting;
    void this.#write(keepAlive);
    await this.client.review();
  }

  #updateHeldBytes(): void {
    const { res, held } = this.#exchange;
    if (res.destroyed) return;
    if (held.set(res.writableLength) !== undefined) res.destroy();
  }
}
