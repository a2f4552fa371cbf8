import { STATUS_CODES, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { GraphQLError, type ExecutionResult, type FormattedExecutionResult } from "graphql";
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer } from "graphql-ws";
import type { Context, ServiceBroker } from "moleculer";
import { WebSocketServer, type WebSocket } from "ws";
import type { Meta, Viewer } from "../../core/access.ts";
import { Refusal } from "../../core/errors.ts";
import type { Authentication } from "./authenticate.ts";
import { ConnectionCounts } from "./connection-counts.ts";
import { DocumentRefused, type ClientError } from "./graphql-errors.ts";
import type { GraphqlContext, GraphqlExecution, Operation } from "./graphql-execution.ts";
import { IdempotencyKeys } from "./idempotency-keys.ts";
import { Patience, type PatienceWatch } from "./patience.ts";

/** Larger messages end the connection; documents and variables are far smaller. */
const maxMessageBytes = 262_144;
/** Operations under way on one connection. */
const maxOperations = 100;
/** Connections from one address; a balancer's own counts for all, unless it is a trusted proxy. */
const maxConnectionsPerAddress = 1_000;
/** Answers that a client does not read: beyond so many bytes the connection is cut. */
const maxUnreadBytes = 4_194_304;
const initWaitMs = 5_000;
/** How often a connection is looked at: whether it lives, and its token is still valid. */
const pingEveryMs = 10_000;
const closeWaitMs = 1_000;

/** What the sockets need of the gateway. */
export interface SocketOrigin {
  viewerOf: (authorization: string | undefined) => Promise<Authentication>;
  addressOf: (req: IncomingMessage) => string;
  isForeign: (req: IncomingMessage) => boolean;
  /** A context of the gateway's own, on whose behalf an operation calls. */
  newContext: () => Context<unknown, Meta>;
  watch: PatienceWatch;
  logger: ServiceBroker["logger"];
}

/** One connection, as far as graphql-ws does not know it. */
interface Connection extends Record<PropertyKey, unknown> {
  socket: WebSocket;
  address: string;
  /** By the ids of the operations under way. */
  running: Map<string, Patience>;
  token: string | undefined;
  viewer: Viewer;
  expiry: NodeJS.Timeout | undefined;
}

type Params = Record<string, unknown> | undefined;

/** Serves operations over WebSocket by the protocol graphql-transport-ws, as graphql-ws speaks it. */
export class GraphqlSockets {
  readonly #origin: SocketOrigin;
  readonly #execution: GraphqlExecution;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) =>
      offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false,
  });
  readonly #connections = new Set<Connection>();
  readonly #perAddress = new ConnectionCounts();
  readonly #protocol;

  constructor(execution: GraphqlExecution, origin: SocketOrigin) {
    this.#execution = execution;
    this.#origin = origin;
    this.#protocol = makeServer<Params, Connection>({
      connectionInitWaitTimeout: initWaitMs,
      onConnect: ({ connectionParams, extra }) => this.#signIn(extra, connectionParams),
      onSubscribe: ({ extra }, id, payload) => this.#prepare(extra, id, payload),
      execute: (args) => (args as Operation["args"]).prepared.execute(),
      subscribe: (args) => (args as Operation["args"]).prepared.subscribe(),
      onNext: ({ extra }, _id, _payload, args, result) =>
        this.#told(extra, args, result as ExecutionResult),
      onError: (_context, _id, _payload, errors) => this.#toldErrors(errors, ""),
      onComplete: ({ extra }, id) => {
        this.#end(extra, id);
      },
    });
  }

  /** Takes connections of a server over that ask for the protocol at such a URL. */
  attach(server: Server, url: RegExp): void {
    server.on("upgrade", (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      const status = this.#refusalOf(req, url);
      if (status !== undefined) {
        refuse(socket, status);
        return;
      }
      this.#sockets.handleUpgrade(req, socket, head, (opened) => {
        this.#open(opened, this.#origin.addressOf(req));
      });
    });
  }

  /** Says goodbye to all, and cuts those who do not leave. */
  close(): void {
    for (const socket of this.#sockets.clients) {
      socket.close(1001, "The server stops; connect again.");
      setTimeout(() => {
        socket.terminate();
      }, closeWaitMs).unref();
    }
  }

  /** Looks at all connections anew: sessions may have ended. */
  review(): void {
    for (const connection of this.#connections) void this.#refresh(connection);
  }

  #refusalOf(req: IncomingMessage, url: RegExp): number | undefined {
    if (!url.test(req.url ?? "")) return 404;
    if (this.#origin.isForeign(req)) return 403;
    const here = this.#perAddress.of(this.#origin.addressOf(req));
    return here >= maxConnectionsPerAddress ? 429 : undefined;
  }

  #open(socket: WebSocket, address: string): void {
    const connection: Connection = {
      ...{ socket, address, running: new Map() },
      ...{ token: undefined, viewer: { kind: "anonymous" }, expiry: undefined },
    };
    this.#perAddress.add(address);
    this.#connections.add(connection);
    const pinging = this.#keepAlive(connection);
    const closed = this.#protocol.opened(
      {
        protocol: socket.protocol,
        send: (message) => send(socket, message),
        close: (code, reason) => {
          socket.close(code, reason);
        },
        onMessage: (take) => {
          socket.on("message", (data, isBinary) => {
            const message = isBinary ? "" : (data as Buffer).toString("utf8");
            take(message).catch((error: unknown) => {
              if (error instanceof Error && error.message.startsWith("Unexpected message")) {
                socket.close(CloseCode.BadRequest, "Invalid message");
                return;
              }
              this.#origin.logger.error("a message of a socket failed", error);
              socket.close(CloseCode.InternalServerError, "Internal server error");
            });
          });
        },
      },
      connection,
    );
    // What breaks the protocol of WebSocket itself; the connection closes after it.
    socket.on("error", () => undefined);
    socket.once("close", (code, reason) => {
      this.#connections.delete(connection);
      clearInterval(pinging);
      clearTimeout(connection.expiry);
      this.#perAddress.remove(address);
      for (const id of connection.running.keys()) this.#end(connection, id);
      void closed(code, reason.toString());
    });
  }

  /** Ends connections that are dead, or whose token is not valid any more. */
  #keepAlive(connection: Connection): NodeJS.Timeout {
    const { socket } = connection;
    let answered = true;
    socket.on("pong", () => {
      answered = true;
    });
    const look = async () => {
      if (!answered || socket.bufferedAmount > maxUnreadBytes) {
        socket.terminate();
        return;
      }
      answered = false;
      socket.ping();
      await this.#refresh(connection);
    };
    return setInterval(() => void look(), pingEveryMs);
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
      socket.close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
      return [asGraphql(idInUse())];
    }
    if (running.size >= maxOperations) return [asGraphql(tooManyOperations())];
    const patience = new Patience();
    // Before anything is waited for: what comes together counts.
    running.set(id, patience);
    try {
      await this.#refresh(connection);
      const { viewer } = connection;
      const ctx = this.#origin.newContext();
      const keys = new IdempotencyKeys(undefined);
      const params = payload as Record<string, unknown>;
      const operation = this.#execution.prepare(params, { ctx, viewer, address, keys, patience });
      // Subscriptions have all the time there is.
      if (operation.kind !== "subscription") this.#origin.watch.add(patience);
      return operation.args;
    } catch (error) {
      this.#end(connection, id);
      if (error instanceof DocumentRefused) return error.errors;
      if (error instanceof Refusal) return [asGraphql(error)];
      throw error;
    }
  }

  /** Stops what an operation has under way. */
  #end({ running }: Connection, id: string): void {
    const patience = running.get(id);
    if (patience === undefined) return;
    running.delete(id);
    this.#origin.watch.done(patience);
    patience.end();
  }

  #told(
    { socket }: Connection,
    { contextValue }: { contextValue?: unknown },
    { data, errors }: ExecutionResult,
  ): FormattedExecutionResult | undefined {
    if (socket.bufferedAmount > maxUnreadBytes) socket.terminate();
    if (errors === undefined) return undefined;
    const { requestId } = contextValue as GraphqlContext;
    return { ...(data !== undefined && { data }), errors: this.#toldErrors(errors, requestId) };
  }

  #toldErrors(errors: readonly GraphQLError[], requestId: string): ClientError[] {
    return errors.map((error) => this.#execution.toClient(error, requestId));
  }
}

function send(socket: WebSocket, message: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.readyState !== socket.OPEN) {
      resolve();
      return;
    }
    socket.send(message, (error) => {
      if (error && socket.readyState === socket.OPEN) reject(error);
      else resolve();
    });
  });
}

function isRejected(viewer: Viewer): boolean {
  return viewer.kind === "anonymous" && viewer.rejected !== undefined;
}

/** Clients know this code: they connect again, with another token. */
function dismiss(socket: WebSocket): void {
  socket.close(CloseCode.Forbidden, "The token is not valid any more.");
}

function refuse(socket: Duplex, status: number): void {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`;
  socket.end(`${head}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function tooManyOperations(): Refusal {
  const message = `A connection may have ${maxOperations} operations under way.`;
  return new Refusal("TOO_MANY_REQUESTS", message, { retryAfter: 1 });
}

function idInUse(): Refusal {
  return new Refusal("BAD_REQUEST", "Another operation of this id is still under way.");
}

function asGraphql(refusal: Refusal): GraphQLError {
  const path: string[] = [];
  return new GraphQLError(refusal.message, null, null, null, path, refusal);
}
