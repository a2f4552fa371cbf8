import type { Socket } from "node:net";

/** A connection of the NATS client to a server. A new one is made for each attempt. */
interface NatsSocket {
  /** Undefined until the TCP connection exists. */
  socket?: Socket | undefined;
  /** Whether the server has greeted the client. */
  connected: boolean;
  done: boolean;
}

/** The servers that the client knows. */
interface NatsServers {
  /** Whether the next selection is the first one. It does not move the server to the end. */
  firstSelect: boolean;
}

type Connect = (this: NatsSocket, ...args: unknown[]) => Promise<void>;
type Close = (this: NatsSocket, error?: Error) => Promise<void>;
type SelectServer = (this: NatsServers) => unknown;

/** Attempts that the client has given up. */
const abandoned = new WeakSet<NatsSocket>();
let corrected: Promise<void> | undefined;

/**
 * Corrects two faults of the NATS client in its attempts to connect:
 * - It does not close the socket of an attempt that takes too long. If the server greets that socket
 *   later, the client keeps it without using it, and when the server closes it, takes this for the end
 *   of its connection. It then connects once more, and has two connections with all subscriptions: each
 *   call to the node runs twice. An attempt also takes too long if the process stands still, for example
 *   while it starts on a busy machine.
 * - After the first connection is lost, it tries the same server before the others. If that server
 *   hangs, the attempt takes as long as one may take.
 */
export function correctAttempts(): Promise<void> {
  corrected ??= correct();
  return corrected;
}

async function correct(): Promise<void> {
  // Loads all of `nats`, which processes without NATS do not need.
  const [{ NodeTransport }, { Servers }] = await Promise.all([
    import("nats/lib/src/node_transport.js"),
    import("nats/lib/nats-base-client/servers.js"),
  ]);
  closeAbandonedAttempts(NodeTransport);
  tryLostServerLast(Servers);
}

function tryLostServerLast(Servers: { prototype: unknown }): void {
  const servers = Servers.prototype as { selectServer: SelectServer };
  const { selectServer } = servers;
  servers.selectServer = function () {
    this.firstSelect = false;
    return selectServer.call(this);
  };
}

function closeAbandonedAttempts(NodeTransport: { prototype: unknown }): void {
  const client = NodeTransport.prototype as { connect: Connect; close: Close };
  const { connect, close } = client;
  client.connect = async function (...args) {
    await connect.apply(this, args);
    if (abandoned.has(this)) dropSocket(this);
  };
  client.close = async function (error) {
    if (this.connected) return close.call(this, error);
    abandoned.add(this);
    // `connect` has listeners, by which it fails.
    this.socket?.destroy();
  };
}

/** Closes a socket without telling the client, which would connect once more. */
function dropSocket(attempt: NatsSocket): void {
  attempt.socket?.removeAllListeners();
  attempt.socket?.on("error", () => undefined).destroy();
  attempt.socket = undefined;
  attempt.done = true;
}
