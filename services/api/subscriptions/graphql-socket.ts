import { apiErrors } from "../api.errors.ts";
import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { GraphQLError, type ExecutionResult, type FormattedExecutionResult } from "graphql";
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer } from "graphql-ws";
import type { Context, ServiceBroker } from "moleculer";
import { WebSocketServer, type WebSocket } from "ws";
import type { Meta, Viewer } from "../../../core/access.ts";
import { addressGroup } from "../../../core/caller-address.ts";
import { commonErrors, ClientError } from "../../../core/errors.ts";
import type { Authentication } from "../auth/authenticate.ts";
import { DocumentError, type FormattedError } from "../graphql/graphql-errors.ts";
import {
  bytesPerCost,
  callerOf,
  type GraphqlContext,
  type GraphqlExecution,
  type Operation,
} from "../graphql/graphql-execution.ts";
import { penalize } from "../http/connection-limits.ts";
import { rejectUpgrade, toOriginForm } from "../http/http-server.ts";
import { IdempotencyKeys } from "../graphql/idempotency-keys.ts";
import { HeldBytes, resourceLimits, type ResourceUsage } from "../limits/resource-usage.ts";
import { Deadline, type DeadlineTimer } from "../limits/deadline.ts";
import type { FairQueue } from "../limits/fair-queue.ts";

/** A larger message closes the connection. Documents and variables are far smaller. */
const maxMessageBytes = 262_144;
/** RunningOperation operations of one connection. */
const maxOperations = 100;
/** Fragments of one message. Each has a memory overhead. */
const maxParts = 1_024;
/** Unread bytes of a client. Beyond, its connection is cut. */
const maxUnreadBytes = 1_048_576;
/** Unread bytes of a client. Beyond, its pings get no pong. */
const maxUnreadForPong = 16_384;
/** The cost of opening a connection, also if it is rejected. */
const openingCost = 10;
/** The cost of each message, in addition to its bytes. */
const messageCost = 1;
/** The cost of a ping. Clients send one every few seconds. */
const pingCost = 10;
/** The cost of delivering an event: it is filtered, executed and sent. */
const deliveryCost = 2;
const initWaitMs = 5_000;
/** How often the gateway checks that a client responds and that its token is valid. */
const pingEveryMs = 10_000;
const closeWaitMs = 1_000;
/** Close code after which clients reconnect with a delay. */
const tryAgainLater = 1_013;

/** What the sockets need from the gateway. */
export interface SocketOrigin {
  viewerOf: (authorization: string | undefined) => Promise<Authentication>;
  addressOf: (req: IncomingMessage) => string;
  isForeign: (req: IncomingMessage) => boolean;
  /** Makes the context of an operation, from which the gateway calls actions. */
  newContext: () => Context<unknown, Meta>;
  deadlines: DeadlineTimer;
  usage: ResourceUsage;
  fairQueue: FairQueue;
  logger: ServiceBroker["logger"];
}

/** The gateway's state of a WebSocket connection, as the `extra` of graphql-ws. */
interface SocketConnection extends Record<PropertyKey, unknown> {
  socket: WebSocket;
  /** The TCP connection. */
  stream: Duplex;
  address: string;
  /** The group of addresses that limits apply to. */
  group: string;
  /** RunningOperation operations by id. */
  running: Map<string, RunningOperation>;
  /** Incomplete messages and unread responses. */
  held: HeldBytes;
  /** Estimated bytes of incomplete messages. */
  incompleteBytes: number;
  /** Length of the last chunk, which is the most that can remain after a complete message. */
  lastChunkBytes: number;
  token: string | undefined;
  viewer: Viewer;
  expiry: NodeJS.Timeout | undefined;
}

/** A running operation. */
interface RunningOperation {
  deadline: Deadline;
  isSubscription: boolean;
}

type Params = Record<string, unknown> | undefined;
/** The arguments that `#prepare` returns. */
type Args = ReturnType<Operation["toArgs"]>;

/** Serves operations over WebSocket with the graphql-transport-ws protocol of graphql-ws. */
export class GraphqlSockets {
  readonly #origin: SocketOrigin;
  readonly #execution: GraphqlExecution;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    maxFragments: maxParts,
    maxBufferedChunks: maxParts,
    // The ping handler sends pongs, unless the client has too many unread bytes.
    autoPong: false,
    perMessageDeflate: false,
    handleProtocols: (offered) =>
      offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false,
  });
  readonly #connections = new Set<SocketConnection>();
  readonly #protocol;

  constructor(execution: GraphqlExecution, origin: SocketOrigin) {
    this.#execution = execution;
    this.#origin = origin;
    this.#protocol = makeServer<Params, SocketConnection>({
      connectionInitWaitTimeout: initWaitMs,
      onConnect: ({ connectionParams, extra }) => this.#signIn(extra, connectionParams),
      onSubscribe: ({ extra }, id, payload) => this.#prepare(extra, id, payload),
      execute: (args) => orErrors(() => (args as Args).prepared.execute()),
      subscribe: (args) => orErrors(() => (args as Args).prepared.subscribe()),
      onNext: ({ extra }, id, _payload, args, result) => {
        this.#chargeDelivery(extra, id);
        return this.#formatResult(args, result as ExecutionResult);
      },
      onError: (_context, _id, _payload, errors) => this.#formatErrors(errors, randomUUID()),
      onComplete: ({ extra }, id) => {
        this.#end(extra, id);
      },
    });
  }

  /** Handles WebSocket upgrades of a server at a URL. */
  attach(server: Server, url: RegExp): void {
    server.on("upgrade", (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      // After an upgrade Node removes its listeners, and an unhandled error would end the process.
      socket.on("error", () => socket.destroy());
      if (socket.destroyed) return;
      toOriginForm(req);
      const address = this.#origin.addressOf(req);
      const group = addressGroup(address);
      const status = this.#rejectionStatusOf(req, url, group);
      if (status !== undefined) {
        rejectUpgrade(socket, status);
        return;
      }
      socket.once("close", () => {
        this.#origin.usage.release(group, "sockets");
      });
      this.#sockets.handleUpgrade(req, socket, head, (opened) => {
        this.#open(opened, socket, address, group);
      });
    });
  }

  /** Closes all connections. */
  close(): void {
    for (const socket of this.#sockets.clients) {
      close(socket, 1001, "The server is stopping. Connect again.");
    }
  }

  /** Authenticates all connections again after sessions may have ended. */
  review(): void {
    for (const connection of this.#connections) void this.#reauthenticate(connection);
  }

  /** Returns the status that an upgrade is rejected with, or acquires a socket for it. */
  #rejectionStatusOf(req: IncomingMessage, url: RegExp, group: string): number | undefined {
    if (this.#execution.throttle.take(group, openingCost) !== undefined) return 429;
    if (!url.test(req.url ?? "")) return 404;
    if (this.#origin.isForeign(req)) return 403;
    const excess = this.#origin.usage.acquire(group, "sockets");
    if (excess === undefined) return undefined;
    return excess === "address" ? 429 : 503;
  }

  #open(socket: WebSocket, stream: Duplex, address: string, group: string): void {
    const connection: SocketConnection = {
      socket,
      stream,
      address,
      group,
      running: new Map(),
      held: new HeldBytes(this.#origin.usage, group),
      incompleteBytes: 0,
      lastChunkBytes: 0,
      token: undefined,
      viewer: { kind: "anonymous" },
      expiry: undefined,
    };
    this.#connections.add(connection);
    // Before `ws` handles the message that this chunk may complete.
    stream.prependListener("data", (bytes: Buffer) => {
      connection.lastChunkBytes = bytes.length;
      connection.incompleteBytes += bytes.length;
      updateHeldBytes(connection);
    });
    const pinging = this.#keepAlive(connection);
    const closed = this.#protocol.opened(
      {
        protocol: socket.protocol,
        send: (message) => send(connection, message),
        close: (code, reason) => {
          close(socket, code ?? CloseCode.InternalServerError, reason ?? "");
        },
        // Without the payload of the ping, which may be large and which clients do not need.
        onPing: () => {
          if (socket.bufferedAmount > maxUnreadForPong) return;
          return send(connection, '{"type":"pong"}');
        },
        onMessage: (handle) => {
          socket.on("message", (data, isBinary) => {
            if (!this.#admits(connection, data as Buffer)) return;
            const message = isBinary ? "" : (data as Buffer).toString("utf8");
            handle(message).catch((error: unknown) => {
              if (error instanceof Error && error.message.startsWith("Unexpected message")) {
                close(socket, CloseCode.BadRequest, "Invalid message");
                return;
              }
              this.#origin.logger.error("a WebSocket message failed", error);
              close(socket, CloseCode.InternalServerError, "Internal server error");
            });
          });
        },
      },
      connection,
    );
    socket.on("ping", (data) => {
      if (!this.#admits(connection, data, pingCost)) return;
      if (socket.bufferedAmount <= maxUnreadForPong) socket.pong(data, false, ignored);
    });
    // A violation of the WebSocket protocol, after which `ws` closes the connection.
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // A message that is too large may be a mistake, but thousands of fragments are an attack.
      if (error.code === "WS_ERR_TOO_MANY_BUFFERED_PARTS") penalize(stream);
    });
    socket.once("close", (code, reason) => {
      this.#connections.delete(connection);
      clearInterval(pinging);
      clearTimeout(connection.expiry);
      for (const id of connection.running.keys()) this.#end(connection, id);
      connection.held.set(0);
      void closed(code, reason.toString());
    });
  }

  /** Charges a message. At the maximum debt, closes the connection and stops reading from it. */
  #admits(connection: SocketConnection, data: Buffer, baseCost = messageCost): boolean {
    const { socket, viewer, address } = connection;
    connection.incompleteBytes = Math.min(
      Math.max(0, connection.incompleteBytes - data.length),
      connection.lastChunkBytes,
    );
    if (socket.readyState !== socket.OPEN) return false;
    const cost = baseCost + data.length / bytesPerCost;
    if (this.#execution.throttle.charge(callerOf(viewer, address), cost)) return true;
    penalize(connection.stream);
    close(socket, tryAgainLater, "Too many messages. Connect again later.");
    socket.pause();
    return false;
  }

  /** Charges the delivery of an event. Throws TOO_MANY_REQUESTS at the maximum debt. */
  #chargeDelivery({ running, viewer, address }: SocketConnection, id: string): void {
    if (running.get(id)?.isSubscription !== true) return;
    if (this.#execution.throttle.charge(callerOf(viewer, address), deliveryCost)) return;
    const message = "Your subscriptions receive too many events. Subscribe to fewer.";
    throw new ClientError(commonErrors.TOO_MANY_REQUESTS, message, { retryAfter: 1 });
  }

  /** Ends connections that do not respond or whose token has become invalid. */
  #keepAlive(connection: SocketConnection): NodeJS.Timeout {
    const { socket } = connection;
    let hasPong = true;
    socket.on("pong", (data) => {
      if (this.#admits(connection, data)) hasPong = true;
    });
    const check = async () => {
      if (!hasPong || socket.bufferedAmount > maxUnreadBytes) {
        socket.terminate();
        return;
      }
      hasPong = false;
      socket.ping(undefined, false, ignored);
      await this.#reauthenticate(connection);
    };
    return setInterval(() => {
      check().catch((error: unknown) => {
        this.#origin.logger.error("the check of a WebSocket connection failed", error);
        socket.terminate();
      });
    }, pingEveryMs);
  }

  /** Authenticates the token again: it may have become invalid, or verifiable by now. */
  async #reauthenticate(connection: SocketConnection): Promise<void> {
    if (connection.token === undefined) return;
    const { viewer } = await this.#origin.viewerOf(connection.token);
    connection.viewer = viewer;
    if (isRejected(viewer)) closeExpired(connection.socket);
  }

  /** Authenticates a new connection. The token is optional, but must be valid. */
  async #signIn(connection: SocketConnection, params: Params): Promise<boolean> {
    const token = params?.authorization ?? params?.Authorization;
    if (token === undefined || token === null || token === "") return true;
    if (typeof token !== "string") return false;
    const { viewer, expiresAtMs } = await this.#origin.viewerOf(token);
    if (isRejected(viewer)) return false;
    connection.token = token;
    connection.viewer = viewer;
    if (expiresAtMs !== undefined) {
      const leftMs = Math.min(2_147_483_647, Math.max(0, expiresAtMs - Date.now()));
      connection.expiry = setTimeout(() => {
        closeExpired(connection.socket);
      }, leftMs);
    }
    return true;
  }

  async #prepare(connection: SocketConnection, id: string, payload: unknown) {
    const { running, address, socket } = connection;
    if (running.has(id)) {
      // The client completed the operation, but it still runs: results of both would be mixed up.
      close(socket, CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
      return [asGraphql(idInUse())];
    }
    if (running.size >= maxOperations) return [asGraphql(tooManyOperations())];
    const deadline = new Deadline();
    const current: RunningOperation = { deadline, isSubscription: false };
    // Before the first await, so that concurrent messages are counted.
    running.set(id, current);
    try {
      await this.#reauthenticate(connection);
      const { viewer } = connection;
      const ctx = this.#origin.newContext();
      const keys = new IdempotencyKeys(undefined);
      const params = payload as Record<string, unknown>;
      if (!this.#execution.isCached(params)) await this.#origin.fairQueue.turn(connection.group);
      const operation = this.#execution.prepare(params, { ctx, viewer, address, keys, deadline });
      // The client may have disconnected or completed it meanwhile.
      const isActive = running.get(id) === current;
      if (operation.kind === "subscription" && isActive) {
        this.#countSubscription(connection, current);
      } else if (isActive) {
        // Subscriptions have no deadline.
        this.#origin.deadlines.add(deadline);
      }
      return operation.toArgs();
    } catch (error) {
      this.#end(connection, id);
      return error instanceof DocumentError ? error.errors : [asGraphql(error)];
    }
  }

  /** Throws TOO_MANY_REQUESTS if the limit of subscriptions is reached. */
  #countSubscription({ group }: SocketConnection, operation: RunningOperation): void {
    const excess = this.#origin.usage.acquire(group, "subscriptions");
    if (excess !== undefined) throw tooManySubscriptions();
    operation.isSubscription = true;
  }

  /** Ends an operation and aborts its calls. */
  #end({ running, group }: SocketConnection, id: string): void {
    const operation = running.get(id);
    if (operation === undefined) return;
    running.delete(id);
    if (operation.isSubscription) this.#origin.usage.release(group, "subscriptions");
    this.#origin.deadlines.done(operation.deadline);
    operation.deadline.abort();
  }

  #formatResult(
    { contextValue }: { contextValue?: unknown },
    { data, errors }: ExecutionResult,
  ): FormattedExecutionResult | undefined {
    if (errors === undefined) return undefined;
    const { requestId } = contextValue as GraphqlContext;
    return { ...(data !== undefined && { data }), errors: this.#formatErrors(errors, requestId) };
  }

  #formatErrors(errors: readonly GraphQLError[], requestId: string): FormattedError[] {
    return errors.map((error) => this.#execution.toClient(error, requestId));
  }
}

function send(connection: SocketConnection, message: string): Promise<void> {
  const { socket } = connection;
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
      updateHeldBytes(connection);
      resolve();
    });
    updateHeldBytes(connection);
  });
}

/** Updates the buffered bytes of a connection, and cuts it if they exceed a limit. */
function updateHeldBytes({ socket, held, incompleteBytes }: SocketConnection): void {
  if (socket.readyState === socket.CLOSED) return;
  if (held.set(socket.bufferedAmount + incompleteBytes) !== undefined) socket.terminate();
}

/** Converts an error to an error result: graphql-ws would close the connection of an exception. */
async function orErrors<Result>(work: () => Promise<Result>): Promise<Result | ExecutionResult> {
  try {
    return await work();
  } catch (error) {
    return { errors: [error instanceof GraphQLError ? error : asGraphql(error)] };
  }
}

/** Ignores the error of sending to a closed connection. */
function ignored(): void {
  /* the connection closes by itself */
}

function isRejected(viewer: Viewer): boolean {
  return viewer.kind === "anonymous" && viewer.rejected !== undefined;
}

/** Closes a connection, and cuts it if the client does not close its side in time. */
function close(socket: WebSocket, code: number, reason: string): void {
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
function closeExpired(socket: WebSocket): void {
  close(socket, CloseCode.Forbidden, "The token is no longer valid.");
}

function tooManyOperations(): ClientError {
  const message = `A connection may have ${maxOperations} running operations. Wait until one completes.`;
  return new ClientError(commonErrors.TOO_MANY_REQUESTS, message, { retryAfter: 1 });
}

function idInUse(): ClientError {
  return new ClientError(apiErrors.BAD_REQUEST, "Another operation with this id is still running.");
}

function tooManySubscriptions(): ClientError {
  const { perAddress } = resourceLimits.subscriptions;
  const message = `An address may have ${perAddress} subscriptions. Complete one first.`;
  return new ClientError(commonErrors.TOO_MANY_REQUESTS, message, { retryAfter: 1 });
}

/** Makes a GraphQLError with a path, which marks an error of execution and not of variables. */
function asGraphql(error: unknown): GraphQLError {
  const cause = error instanceof Error ? error : new Error(String(error));
  const path: string[] = [];
  return new GraphQLError(cause.message, { path, originalError: cause });
}
