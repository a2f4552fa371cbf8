import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { ExecutionResult, FormattedExecutionResult } from "graphql";
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer } from "graphql-ws";
import { WebSocketServer, type WebSocket } from "ws";
import { addressGroup } from "../../../../core/network/caller-address.ts";
import { toOriginForm } from "../../../../core/network/request-target.ts";
import { userAgentOf } from "../../../../core/network/user-agent.ts";
import { rejectUpgrade } from "../../../../core/network/protocol-events.ts";
import { DocumentError } from "../../graphql/graphql-errors.ts";
import { bytesPerCost, type GraphqlExecution } from "../../graphql/graphql-execution.ts";
import type {
  GraphqlContext,
  Operation,
  RequestParams,
  RequestSender,
} from "../../graphql/graphql-operation.ts";
import { IdempotencyKeys } from "../../graphql/idempotency-keys.ts";
import { penalize } from "../../http/connection-limits.ts";
import { headFaultOf } from "../../http/request-head.ts";
import {
  LiveClient,
  type ClientOrigin,
  type LiveGateway,
  type GatewayParts,
} from "./live-client.ts";
import {
  asGraphql,
  formatResult,
  invalidId,
  LiveOperation,
  maxIdCharacters,
  maxOperations,
  orErrors,
  tooManyOperations,
} from "./live-operation.ts";
import {
  closeExpired,
  closeSocket,
  laterFrom,
  SocketConnection,
  takeMembers,
} from "./socket-connection.ts";

/** A larger message closes the connection. Documents and variables are far smaller. */
const maxMessageBytes = 262_144;
/** Fragments of one message. Each has a memory overhead. */
const maxParts = 1_024;
/** The cost of opening a connection, also if it is rejected. */
const openingCost = 10;
/** The cost of each message, in addition to its bytes. */
const messageCost = 1;
/** The cost of a ping. Clients send one every few seconds. */
const pingCost = 10;
const initWaitMs = 5_000;
/** Close code after which clients reconnect with a delay. */
const tryAgainLater = 1_013;

type Params = Record<string, unknown> | undefined;
/** The arguments that `#prepare` returns. */
type Args = ReturnType<Operation["toArgs"]>;
/** The `extra` of graphql-ws. */
interface Extra extends Record<PropertyKey, unknown> {
  connection: SocketConnection;
}

/** Serves operations over WebSocket with the graphql-transport-ws protocol of graphql-ws. */
export class GraphqlSockets {
  readonly #gateway: LiveGateway;
  readonly #execution: GraphqlExecution;
  readonly #parts: GatewayParts;
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
  #isClosed = false;

  constructor(gateway: LiveGateway) {
    this.#gateway = gateway;
    this.#execution = gateway.execution;
    this.#parts = gateway.parts;
    this.#protocol = makeServer<Params, Extra>({
      connectionInitWaitTimeout: initWaitMs,
      onConnect: ({ connectionParams, extra }) => this.#signIn(extra.connection, connectionParams),
      onSubscribe: ({ extra }, id, payload) => this.#prepare(extra.connection, id, payload),
      execute: (args) => orErrors(() => (args as Args).prepared.execute()),
      subscribe: (args) => orErrors(() => (args as Args).prepared.subscribe()),
      onOperation: ({ extra }, id) => {
        extra.connection.running.get(id)?.open();
      },
      onNext: ({ extra }, id, _payload, args, result) => {
        extra.connection.running.get(id)?.chargeDelivery();
        return this.#formatResult(args, result as ExecutionResult);
      },
      onError: (_context, _id, _payload, errors) =>
        errors.map((error) => this.#execution.toClient(error, randomUUID())),
      onComplete: ({ extra }, id) => {
        extra.connection.end(id);
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
      const address = this.#parts.addressOf(req);
      const group = addressGroup(address);
      const status = this.#rejectionStatusOf(req, url, group);
      if (status !== undefined) {
        rejectUpgrade(socket, status);
        return;
      }
      socket.once("close", () => {
        this.#parts.usage.release(group, "sockets");
      });
      this.#sockets.handleUpgrade(req, socket, head, (opened) => {
        // Kept as long as the connection: the header may have 16 kB.
        const userAgent = userAgentOf(req.headers["user-agent"]);
        this.#open(opened, socket, { address, userAgent });
      });
    });
  }

  /** Closes all connections, and opens no more: clients connect again at once. */
  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets.clients) {
      closeSocket(socket, 1001, "The server is stopping. Connect again.");
    }
  }

  /** Authenticates all connections again after sessions may have ended. */
  review(): void {
    for (const { client } of this.#connections) void client.review();
  }

  /** Returns the status that an upgrade is rejected with, or acquires a socket for it. */
  #rejectionStatusOf(req: IncomingMessage, url: RegExp, group: string): number | undefined {
    if (this.#isClosed) return 503;
    if (this.#execution.throttle.take(group, openingCost) !== undefined) return 429;
    if (headFaultOf(req) !== undefined) return 400;
    if (!url.test(req.url ?? "")) return 404;
    if (this.#parts.isForeign(req)) return 403;
    const excess = this.#parts.usage.acquire(group, "sockets");
    if (excess === undefined) return undefined;
    return excess === "address" ? 429 : 503;
  }

  #open(socket: WebSocket, stream: Duplex, origin: ClientOrigin): void {
    const { logger, usage } = this.#parts;
    const client = new LiveClient(this.#gateway, origin, () => {
      closeExpired(socket);
    });
    const connection = new SocketConnection(socket, stream, client, usage);
    this.#connections.add(connection);
    const onFault = (error: unknown) => {
      logger.error("A WebSocket connection failed.", error);
    };
    const checks = connection.keepAlive((data) => this.#admits(connection, data), onFault);
    const closed = this.#protocol.opened(
      {
        protocol: socket.protocol,
        send: (message) => connection.send(message),
        close: (code, reason) => {
          closeSocket(socket, code ?? CloseCode.InternalServerError, reason ?? "");
        },
        // Without the payload of the ping, which may be large and which clients do not need.
        onPing: async () => {
          if (!connection.isReading) return;
          await connection.untilOpened();
          await connection.send('{"type":"pong"}');
        },
        onMessage: (handle) => {
          socket.on("message", (data, isBinary) => {
            if (!this.#admits(connection, data as Buffer)) return;
            const message = isBinary ? "" : (data as Buffer).toString("utf8");
            void connection.handle(message, handle, onFault);
          });
        },
      },
      { connection },
    );
    socket.on("ping", (data) => {
      if (this.#admits(connection, data, pingCost)) connection.pong(data);
    });
    // A violation of the WebSocket protocol, after which `ws` closes the connection.
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // A message that is too large may be a mistake, but thousands of fragments are an attack.
      if (error.code === "WS_ERR_TOO_MANY_BUFFERED_PARTS") penalize(stream);
    });
    socket.once("close", (code, reason) => {
      this.#connections.delete(connection);
      clearInterval(checks);
      connection.release();
      void closed(code, reason.toString());
    });
  }

  /** Charges a message. At the maximum debt, closes the connection and stops reading from it. */
  #admits(connection: SocketConnection, data: Buffer, baseCost = messageCost): boolean {
    const { socket, client } = connection;
    connection.received(data);
    if (socket.readyState !== socket.OPEN) return false;
    if (client.charge(baseCost + data.length / bytesPerCost)) return true;
    penalize(connection.stream);
    closeSocket(socket, tryAgainLater, "Too many messages. Connect again later.");
    socket.pause();
    return false;
  }

  /** Authenticates a new connection. The token is optional, but must be valid. */
  async #signIn({ socket, client }: SocketConnection, params: Params): Promise<boolean> {
    const { authorization, Authorization } = takeMembers(params ?? {});
    const token = authorization ?? Authorization;
    if (token === undefined || token === null || token === "") return true;
    const isText = typeof token === "string";
    const rejection = isText ? await client.signIn(token) : "The token must be a string.";
    if (rejection === undefined) return true;
    // With `false` alone, graphql-ws would close with the reason "Forbidden", which says nothing.
    closeSocket(socket, CloseCode.Forbidden, rejection);
    return false;
  }

  async #prepare(connection: SocketConnection, id: string, payload: unknown) {
    const { running, socket, client } = connection;
    const { fairQueue, newContext, requestLog } = this.#parts;
    if (id.length > maxIdCharacters) {
      closeSocket(socket, CloseCode.BadRequest, "The id is too long");
      return [asGraphql(invalidId())];
    }
    if (running.has(id)) {
      // The client completed the operation, but it still runs: results of both would be mixed up.
      closeSocket(socket, CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
      return [asGraphql(invalidId())];
    }
    if (running.size >= maxOperations) return [asGraphql(tooManyOperations())];
    const request = this.#requestOf(connection, payload as RequestParams);
    const current = new LiveOperation(this.#gateway, client);
    // Before the first await, so that concurrent messages are counted.
    running.set(id, current);
    try {
      await client.review();
      const { viewer, address, userAgent } = client;
      const { deadline } = current;
      const keys = new IdempotencyKeys(undefined);
      if (!request.isCached) await fairQueue.turn(client.group);
      const ctx = newContext();
      const onDone: RequestSender["onDone"] = (report, durationMs) => {
        const requestId = ctx.requestID ?? undefined;
        requestLog.done({
          transport: "websocket",
          operation: report,
          durationMs,
          requestId,
          viewer,
        });
      };
      const sender = { ctx, viewer, address, userAgent, keys, deadline, onDone };
      const operation = this.#execution.prepare(request.params(), sender);
      // The client may have disconnected or completed it meanwhile.
      if (running.get(id) === current) current.start(operation.kind);
      return operation.toArgs();
    } catch (error) {
      connection.end(id);
      return error instanceof DocumentError ? error.errors : [asGraphql(error)];
    }
  }

  /**
   * Returns the request in the current message of a connection. If it waits in the fair queue, it
   * is parsed again after that: parsed JSON can take 30 times the memory of its text.
   */
  #requestOf({ message }: SocketConnection, payload: RequestParams) {
    const params = takeMembers(payload);
    const isCached = this.#execution.isCached(params);
    return { isCached, params: isCached ? () => params : laterFrom(message) };
  }

  #formatResult(
    { contextValue }: { contextValue?: unknown },
    result: ExecutionResult,
  ): FormattedExecutionResult | undefined {
    if (result.errors === undefined) return undefined;
    return formatResult(this.#execution, result, (contextValue as GraphqlContext).requestId);
  }
}
