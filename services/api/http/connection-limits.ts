import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { LRUCache } from "lru-cache";
import { addressGroup } from "../../../core/network/caller-address.ts";
import { atMost } from "../limits/at-most.ts";
import { resourceLimits, type ResourceUsage } from "../limits/resource-usage.ts";

/** A connection without traffic is closed after this time, also during a request. */
const idleTimeoutMs = 30_000;
/** How long the connections of an address are rejected after one was penalized. */
const penaltyMs = 5_000;
const maxPenalized = 10_000;
/** A connection with more pipelined requests is cut instead of sending a rejection. */
const maxPipelinedAtRejection = 8;

/** What the gateway knows of a connection. */
interface ConnectionState {
  /** The group of addresses that limits apply to. */
  group: string;
  /** All connections of the group. Undefined for a trusted proxy: it serves many clients. */
  ofGroup: Set<Duplex> | undefined;
  /** Incomplete responses. */
  responses: Set<ServerResponse>;
  isPenalized: boolean;
  /** The connection closes after a response that is being sent. */
  isClosing: boolean;
  /** That response is a rejection. */
  isRejected: boolean;
}

/** A property of the socket: entries of a WeakMap make each garbage collection slower. */
const state = Symbol("connection state");

type Connection = Duplex & { [state]?: ConnectionState };

/**
 * Limits the connections and the pipelined requests of each address and in total. Connections of a
 * trusted proxy are not counted by address: it limits its clients itself.
 */
export class ConnectionLimits {
  readonly #usage: ResourceUsage;
  readonly #isProxy: (address: string) => boolean;
  readonly #penalizedUntilMs = new LRUCache<string, number>(atMost(maxPenalized));
  readonly #connections = new Map<string, Set<Duplex>>();

  constructor(usage: ResourceUsage, isProxy: (address: string) => boolean) {
    this.#usage = usage;
    this.#isProxy = isProxy;
  }

  attach(server: Server): void {
    server.timeout = idleTimeoutMs;
    server.maxConnections = resourceLimits.connections.inAll;
    server.on("connection", (socket: Socket) => {
      this.#add(socket);
    });
    // Node never closes the responses that wait behind another one when it gets CONNECT.
    server.on("connect", (req: IncomingMessage, socket: Duplex) => {
      if (hasUnansweredRequest(req)) abandon(socket);
    });
  }

  /** Counts a request until its response. Returns false if the connection is cut. */
  admit(req: IncomingMessage, res: ServerResponse): boolean {
    const { socket }: { socket: Connection } = req;
    const connection = socket[state];
    // Node still parses requests that it received before the connection was cut.
    if (socket.destroyed || connection === undefined) return false;
    const { responses } = connection;
    const isPipelined = responses.size > 0;
    // No request behind a rejection that closes the connection gets a response.
    const isFlood =
      (connection.isRejected && responses.size >= maxPipelinedAtRejection) ||
      (isPipelined && this.#usage.acquire(connection.group, "pipelined") !== undefined);
    if (isFlood) {
      cut(socket);
      return false;
    }
    responses.add(res);
    res.once("close", () => {
      responses.delete(res);
      if (isPipelined) this.#usage.release(connection.group, "pipelined");
    });
    return !connection.isClosing;
  }

  #add(socket: Socket & Connection): void {
    const { remoteAddress } = socket;
    // A closed connection has no address.
    if (remoteAddress === undefined) return;
    const group = addressGroup(remoteAddress);
    const isProxy = this.#isProxy(remoteAddress);
    const isPenalized = (this.#penalizedUntilMs.get(group) ?? 0) > performance.now();
    const isRejected =
      !isProxy && (isPenalized || this.#usage.acquire(group, "connections") !== undefined);
    if (isRejected) {
      socket.destroy();
      return;
    }
    const ofGroup = isProxy ? undefined : (this.#connections.get(group) ?? new Set());
    socket[state] = {
      group,
      ofGroup,
      responses: new Set(),
      isPenalized: false,
      isClosing: false,
      isRejected: false,
    };
    if (ofGroup === undefined) return;
    this.#connections.set(group, ofGroup.add(socket));
    socket.once("close", () => {
      this.#remove(socket, group, ofGroup);
    });
  }

  #remove(socket: Connection, group: string, ofGroup: Set<Duplex>): void {
    this.#usage.release(group, "connections");
    ofGroup.delete(socket);
    if (ofGroup.size === 0) this.#connections.delete(group);
    if (socket[state]?.isPenalized !== true) return;
    this.#penalizedUntilMs.set(group, performance.now() + penaltyMs);
    destroyAll(ofGroup);
  }
}

/**
 * Penalizes the address of a connection that sends far more than a normal client: when the
 * connection closes, all connections of the address are destroyed, and new ones are rejected for
 * `penaltyMs`. Otherwise the client would continue over the others, or reconnect at once.
 */
export function penalize(connection: Connection): void {
  if (connection[state] !== undefined) connection[state].isPenalized = true;
}

/**
 * Penalizes a connection's address and destroys its connections at once. Node would parse what it
 * has already received over each of them, which takes longer than all else.
 */
export function cut(connection: Connection): void {
  penalize(connection);
  connection.destroy();
  destroyAll(connection[state]?.ofGroup ?? []);
}

function destroyAll(connections: Iterable<Duplex>): void {
  for (const connection of connections) connection.destroy();
}

/**
 * Closes the connection after this response. Pipelined requests behind it, up to a thousand, are
 * ignored.
 */
export function closeAfter(res: ServerResponse): void {
  res.setHeader("connection", "close");
  const connection = (res.req.socket as Connection)[state];
  if (connection !== undefined) connection.isClosing = true;
}

/** Like `closeAfter`, for a rejection: a connection with many pipelined requests is cut at once. */
export function closeAfterRejection(res: ServerResponse): void {
  closeAfter(res);
  const connection = (res.req.socket as Connection)[state];
  if (connection !== undefined) connection.isRejected = true;
}

/** Returns whether the client pipelines more requests than a rejection is sent for. */
export function isPipelined({ socket }: IncomingMessage): boolean {
  return (responsesOf(socket)?.size ?? 0) > maxPipelinedAtRejection;
}

/**
 * Returns whether a response is outstanding on the connection of a new request. After an upgrade,
 * the response would be sent in the middle of the WebSocket frames.
 */
export function hasUnansweredRequest({ socket }: IncomingMessage): boolean {
  return (responsesOf(socket)?.size ?? 0) > 0;
}

/**
 * Cuts a connection that Node has detached from its responses. Those that wait behind another one
 * would never close, and what they hold of the limits would stay in use.
 */
function abandon(connection: Duplex): void {
  connection.destroy();
  for (const response of [...(responsesOf(connection) ?? [])]) {
    response.destroy();
    response.emit("close");
  }
}

function responsesOf(connection: Connection): ReadonlySet<ServerResponse> | undefined {
  return connection[state]?.responses;
}
