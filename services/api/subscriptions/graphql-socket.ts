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
import { punish, refuseUpgrade, toOriginForm } from "../http/http-server.ts";
import { IdempotencyKeys } from "../graphql/idempotency-keys.ts";
import { HeldBytes, resourceLimits, type ResourceUsage } from "../limits/resource-usage.ts";
import { Deadline, type DeadlineTimer } from "../limits/deadline.ts";
import type { FairQueue } from "../limits/fair-queue.ts";

/** Larger messages end the connection; documents and variables are far smaller. */
const maxMessageBytes = 262_144;
/** Operations under way on one connection. */
const maxOperations = 100;
/** Parts of one message; each takes memory of its own, however small it is. */
const maxParts = 1_024;
/** A client that has so many bytes to read is told nothing more: its connection is cut. */
const maxUnreadBytes = 1_048_576;
/** A client that has so many bytes to read gets no answer to its pings. */
const maxUnreadForPong = 16_384;
/** What opening a connection counts as, one that is refused as well. */
const openingCost = 10;
/** What each message counts as. */
const messageCost = 1;
/** One ping in some seconds is what clients send. */
const pingCost = 10;
/** An event is filtered, executed and sent. */
const deliveryCost = 2;
const initWaitMs = 5_000;
/** How often a connection is looked at: whether it lives, and its token is still valid. */
const pingEveryMs = 10_000;
const closeWaitMs = 1_000;
/** Clients know this code: they connect again, a little later. */
const tryAgainLater = 1_013;

/** What the sockets need of the gateway. */
export interface SocketOrigin {
  viewerOf: (authorization: string | undefined) => Promise<Authentication>;
  addressOf: (req: IncomingMessage) => string;
  isForeign: (req: IncomingMessage) => boolean;
  /** A context of the gateway's own, on whose behalf an operation calls. */
  newContext: () => Context<unknown, Meta>;
  watch: DeadlineTimer;
  load: ResourceUsage;
  turns: FairQueue;
  logger: ServiceBroker["logger"];
}

/** One connection, as far as graphql-ws does not know it. */
interface Connection extends Record<PropertyKey, unknown> {
  socket: WebSocket;
  /** The connection below it. */
  stream: Duplex;
  address: string;
  /** The group that the address is counted in. */
  group: string;
  /** By the ids of the operations under way. */
  running: Map<string, Running>;
  /** Unfinished messages, and answers that are not read. */
  held: HeldBytes;
  /** Bytes of messages that are not finished, about. */
  unfinishedBytes: number;
  /** Of the last bytes that came: no more can be left of them behind a message. */
  lastBytes: number;
  token: string | undefined;
  viewer: Viewer;
  expiry: NodeJS.Timeout | undefined;
}

/** An operation under way. */
interface Running {
  deadline: Deadline;
  isSubscription: boolean;
}

type Params = Record<string, unknown> | undefined;
/** What `prepare` has handed on. */
type Args = ReturnType<Operation["toArgs"]>;

/** Serves operations over WebSocket by the protocol graphql-transport-ws, as graphql-ws speaks it. */
export class GraphqlSockets {
  readonly #origin: SocketOrigin;
  readonly #execution: GraphqlExecution;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    maxFragments: maxParts,
    maxBufferedChunks: maxParts,
    // Pongs are sent here, if they are read.
    autoPong: false,
    perMessageDeflate: false,
    handleProtocols: (offered) =>
      offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false,
  });
  readonly #connections = new Set<Connection>();
  readonly #protocol;

  constructor(execution: GraphqlExecution, origin: SocketOrigin) {
    this.#execution = execution;
    this.#origin = origin;
    this.#protocol = makeServer<Params, Connection>({
      connectionInitWaitTimeout: initWaitMs,
      onConnect: ({ connectionParams, extra }) => this.#signIn(extra, connectionParams),
      onSubscribe: ({ extra }, id, payload) => this.#prepare(extra, id, payload),
      execute: (args) => orErrors(() => (args as Args).prepared.execute()),
      subscribe: (args) => orErrors(() => (args as Args).prepared.subscribe()),
      onNext: ({ extra }, id, _payload, args, result) => {
        this.#weighDelivery(extra, id);
        return this.#told(args, result as ExecutionResult);
      },
      onError: (_context, _id, _payload, errors) => this.#toldErrors(errors, randomUUID()),
      onComplete: ({ extra }, id) => {
        this.#end(extra, id);
      },
    });
  }

  /** Takes connections of a server over that ask for the protocol at such a URL. */
  attach(server: Server, url: RegExp): void {
    server.on("upgrade", (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      // Nobody else listens any more, and an error that nobody hears ends the process.
      socket.on("error", () => socket.destroy());
      if (socket.destroyed) return;
      toOriginForm(req);
      const address = this.#origin.addressOf(req);
      const group = addressGroup(address);
      const status = this.#refusalOf(req, url, group);
      if (status !== undefined) {
        refuseUpgrade(socket, status);
        return;
      }
      socket.once("close", () => {
        this.#origin.load.release(group, "sockets");
      });
      this.#sockets.handleUpgrade(req, socket, head, (opened) => {
        this.#open(opened, socket, address, group);
      });
    });
  }

  /** Says goodbye to all, and cuts those who do not leave. */
  close(): void {
    for (const socket of this.#sockets.clients) {
      close(socket, 1001, "The server stops; connect again.");
    }
  }

  /** Looks at all connections anew: sessions may have ended. */
  review(): void {
    for (const connection of this.#connections) void this.#refresh(connection);
  }

  /** The status that an upgrade is refused with; where there is none, its connection is counted. */
  #refusalOf(req: IncomingMessage, url: RegExp, group: string): number | undefined {
    if (this.#execution.throttle.take(group, openingCost) !== undefined) return 429;
    if (!url.test(req.url ?? "")) return 404;
    if (this.#origin.isForeign(req)) return 403;
    const excess = this.#origin.load.acquire(group, "sockets");
    if (excess === undefined) return undefined;
    return excess === "address" ? 429 : 503;
  }

  #open(socket: WebSocket, stream: Duplex, address: string, group: string): void {
    const connection: Connection = {
      socket,
      stream,
      address,
      group,
      running: new Map(),
      held: new HeldBytes(this.#origin.load, group),
      unfinishedBytes: 0,
      lastBytes: 0,
      token: undefined,
      viewer: { kind: "anonymous" },
      expiry: undefined,
    };
    this.#connections.add(connection);
    // Before the message is taken that they may finish.
    stream.prependListener("data", (bytes: Buffer) => {
      connection.lastBytes = bytes.length;
      connection.unfinishedBytes += bytes.length;
      weighMemory(connection);
    });
    const pinging = this.#keepAlive(connection);
    const closed = this.#protocol.opened(
      {
        protocol: socket.protocol,
        send: (message) => send(connection, message),
        close: (code, reason) => {
          close(socket, code ?? CloseCode.InternalServerError, reason ?? "");
        },
        // Without its payload, which may be large: none of ours would read it.
        onPing: () => {
          if (socket.bufferedAmount > maxUnreadForPong) return;
          return send(connection, '{"type":"pong"}');
        },
        onMessage: (take) => {
          socket.on("message", (data, isBinary) => {
            if (!this.#admits(connection, data as Buffer)) return;
            const message = isBinary ? "" : (data as Buffer).toString("utf8");
            take(message).catch((error: unknown) => {
              if (error instanceof Error && error.message.startsWith("Unexpected message")) {
                close(socket, CloseCode.BadRequest, "Invalid message");
                return;
              }
              this.#origin.logger.error("a message of a socket failed", error);
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
    // What breaks the protocol of WebSocket itself; the connection closes after it.
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // A message that is too large may be a mistake; thousands of parts are none.
      if (error.code === "WS_ERR_TOO_MANY_BUFFERED_PARTS") punish(stream);
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

  /** Weighs what has come; whoever sends too much is sent away, and nothing more is read of them. */
  #admits(connection: Connection, data: Buffer, baseCost = messageCost): boolean {
    const { socket, viewer, address } = connection;
    connection.unfinishedBytes = Math.min(
      Math.max(0, connection.unfinishedBytes - data.length),
      connection.lastBytes,
    );
    if (socket.readyState !== socket.OPEN) return false;
    const cost = baseCost + data.length / bytesPerCost;
    if (this.#execution.throttle.charge(callerOf(viewer, address), cost)) return true;
    punish(connection.stream);
    close(socket, tryAgainLater, "Too many messages; connect again later.");
    socket.pause();
    return false;
  }

  /** Weighs what an event causes. Who cannot have more of them is told so, and is not served on. */
  #weighDelivery({ running, viewer, address }: Connection, id: string): void {
    if (running.get(id)?.isSubscription !== true) return;
    if (this.#execution.throttle.charge(callerOf(viewer, address), deliveryCost)) return;
    const message = "You subscribe to more events than one caller may have; subscribe to fewer.";
    throw new ClientError(commonErrors.TOO_MANY_REQUESTS, message, { retryAfter: 1 });
  }

  /** Ends connections that are dead, or whose token is not valid any more. */
  #keepAlive(connection: Connection): NodeJS.Timeout {
    const { socket } = connection;
    let answered = true;
    socket.on("pong", (data) => {
      if (this.#admits(connection, data)) answered = true;
    });
    const look = async () => {
      if (!answered || socket.bufferedAmount > maxUnreadBytes) {
        socket.terminate();
        return;
      }
      answered = false;
      socket.ping(undefined, false, ignored);
      await this.#refresh(connection);
    };
    return setInterval(() => {
      look().catch((error: unknown) => {
        this.#origin.logger.error("a connection could not be looked at", error);
        socket.terminate();
      });
    }, pingEveryMs);
  }

  /** Looks anew who is there: a token may have ended, or can be verified by now. */
  async #refresh(connection: Connection): Promise<void> {
    if (connection.token === undefined) return;
    const { viewer } = await this.#origin.viewerOf(connection.token);
    connection.viewer = viewer;
    if (isRejected(viewer)) dismiss(connection.socket);
  }

  /** Whoever sends a token has to be known by it; nobody has to send one. */
  async #signIn(connection: Connection, params: Params): Promise<boolean> {
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
        dismiss(connection.socket);
      }, leftMs);
    }
    return true;
  }

  async #prepare(connection: Connection, id: string, payload: unknown) {
    const { running, address, socket } = connection;
    if (running.has(id)) {
      // Completed by its client, and still under way: two of one id could not be told apart.
      close(socket, CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
      return [asGraphql(idInUse())];
    }
    if (running.size >= maxOperations) return [asGraphql(tooManyOperations())];
    const deadline = new Deadline();
    const operationUnderWay: Running = { deadline, isSubscription: false };
    // Before anything is waited for: what comes together counts.
    running.set(id, operationUnderWay);
    try {
      await this.#refresh(connection);
      const { viewer } = connection;
      const ctx = this.#origin.newContext();
      const keys = new IdempotencyKeys(undefined);
      const params = payload as Record<string, unknown>;
      if (!this.#execution.isCached(params)) await this.#origin.turns.turn(connection.group);
      const operation = this.#execution.prepare(params, { ctx, viewer, address, keys, deadline });
      // Its client may have left meanwhile, or ended it.
      const isWanted = running.get(id) === operationUnderWay;
      if (operation.kind === "subscription" && isWanted) {
        this.#countSubscription(connection, operationUnderWay);
      } else if (isWanted) {
        // Subscriptions have all the time there is.
        this.#origin.watch.add(deadline);
      }
      return operation.toArgs();
    } catch (error) {
      this.#end(connection, id);
      return error instanceof DocumentError ? error.errors : [asGraphql(error)];
    }
  }

  /** Throws a Refusal where there are too many. */
  #countSubscription({ group }: Connection, operation: Running): void {
    const excess = this.#origin.load.acquire(group, "subscriptions");
    if (excess !== undefined) throw tooManySubscriptions();
    operation.isSubscription = true;
  }

  /** Stops what an operation has under way. */
  #end({ running, group }: Connection, id: string): void {
    const operation = running.get(id);
    if (operation === undefined) return;
    running.delete(id);
    if (operation.isSubscription) this.#origin.load.release(group, "subscriptions");
    this.#origin.watch.done(operation.deadline);
    operation.deadline.abort();
  }

  #told(
    { contextValue }: { contextValue?: unknown },
    { data, errors }: ExecutionResult,
  ): FormattedExecutionResult | undefined {
    if (errors === undefined) return undefined;
    const { requestId } = contextValue as GraphqlContext;
    return { ...(data !== undefined && { data }), errors: this.#toldErrors(errors, requestId) };
  }

  #toldErrors(errors: readonly GraphQLError[], requestId: string): FormattedError[] {
    return errors.map((error) => this.#execution.toClient(error, requestId));
  }
}

function send(connection: Connection, message: string): Promise<void> {
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
    // Where it fails, its reader has gone, and the connection closes by itself.
    socket.send(message, () => {
      weighMemory(connection);
      resolve();
    });
    weighMemory(connection);
  });
}

/** Cuts a connection for which there is no more memory. */
function weighMemory({ socket, held, unfinishedBytes }: Connection): void {
  if (socket.readyState === socket.CLOSED) return;
  if (held.set(socket.bufferedAmount + unfinishedBytes) !== undefined) socket.terminate();
}

/** A fault in an operation is told to it, and is no matter of the others on its connection. */
async function orErrors<Result>(work: () => Promise<Result>): Promise<Result | ExecutionResult> {
  try {
    return await work();
  } catch (error) {
    return { errors: [error instanceof GraphQLError ? error : asGraphql(error)] };
  }
}

/** For what is sent to who may have left. */
function ignored(): void {
  /* the connection closes by itself */
}

function isRejected(viewer: Viewer): boolean {
  return viewer.kind === "anonymous" && viewer.rejected !== undefined;
}

/** Says goodbye, and cuts those who do not leave. */
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

/** Clients know this code: they connect again, with another token. */
function dismiss(socket: WebSocket): void {
  close(socket, CloseCode.Forbidden, "The token is not valid any more.");
}

function tooManyOperations(): ClientError {
  const message = `A connection may have ${maxOperations} operations under way.`;
  return new ClientError(commonErrors.TOO_MANY_REQUESTS, message, { retryAfter: 1 });
}

function idInUse(): ClientError {
  return new ClientError(apiErrors.BAD_REQUEST, "Another operation of this id is still under way.");
}

function tooManySubscriptions(): ClientError {
  const { perAddress } = resourceLimits.subscriptions;
  const message = `An address may have ${perAddress} subscriptions under way.`;
  return new ClientError(commonErrors.TOO_MANY_REQUESTS, message, { retryAfter: 1 });
}

/** With a path, since it is a fault of the operation and not one of its variables. */
function asGraphql(error: unknown): GraphQLError {
  const cause = error instanceof Error ? error : new Error(String(error));
  const path: string[] = [];
  return new GraphQLError(cause.message, { path, originalError: cause });
}
