import { connect, type Server, type Socket } from "node:net";
import { Transporters } from "moleculer";

/** The shop listens with `server`; REPL nodes connect to the socket at `path`. */
export type LocalTransporterOptions = { server: Server } | { path: string };

const reconnectAfterMs = 1000;
/** No packet is larger: a larger frame is not one of this transporter. */
const maxFrameBytes = 64 * 1024 * 1024;

/**
 * A Moleculer transporter over one Unix socket, so that a REPL can join a shop that runs without
 * NATS. The listening node is the hub: it forwards every frame to all other nodes, which ignore
 * topics without a subscription. Frame: u32 length of the rest, u16 length of the topic, topic,
 * packet.
 */
export class LocalTransporter extends Transporters.Base {
  readonly #options: LocalTransporterOptions;
  readonly #sockets = new Set<Socket>();
  /** Maps topics to commands. */
  readonly #subscriptions = new Map<string, string>();
  #rejoining: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: LocalTransporterOptions) {
    super();
    this.#options = options;
  }

  override async connect(): Promise<void> {
    if ("server" in this.#options) {
      this.#options.server.removeAllListeners("connection");
      this.#options.server.on("connection", (socket) => {
        this.#attach(socket);
      });
    } else {
      await this.#join(this.#options.path);
    }
    await this.onConnected();
  }

  override async disconnect(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#rejoining);
    this.connected = false;
    // Unlike `destroy`, `end` still sends the disconnect packet.
    for (const socket of this.#sockets) socket.end();
    if ("server" in this.#options) this.#options.server.close();
  }

  override async subscribe(command: string, nodeID?: string): Promise<void> {
    this.#subscriptions.set(this.getTopicName(command, nodeID), command);
  }

  /** Never called: Moleculer balances by itself if a transporter does not declare a balancer. */
  override async subscribeBalancedRequest(): Promise<void> {
    throw new Error("The local transporter has no balancer.");
  }

  override async subscribeBalancedEvent(): Promise<void> {
    throw new Error("The local transporter has no balancer.");
  }

  override async send(topic: string, data: Buffer): Promise<void> {
    const frame = encodeFrame(topic, data);
    for (const socket of this.#sockets) socket.write(frame);
  }

  /** Connects to the hub, and connects again after the hub has closed the connection. */
  #join(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        this.#attach(socket);
        socket.once("close", () => {
          this.connected = false;
          this.#rejoinLater(path);
        });
        resolve();
      });
    });
  }

  #rejoinLater(path: string): void {
    if (!this.#stopped)
      this.#rejoining = setTimeout(() => void this.#rejoin(path), reconnectAfterMs);
  }

  async #rejoin(path: string): Promise<void> {
    try {
      await this.#join(path);
      await this.onConnected(true);
    } catch {
      // The shop does not listen yet.
      this.#rejoinLater(path);
    }
  }

  #attach(socket: Socket): void {
    this.#sockets.add(socket);
    const decoder = new FrameDecoder();
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const frame of decoder.push(chunk)) this.#deliver(socket, frame);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : undefined);
      }
    });
    socket.on("error", (error) => {
      this.logger.debug("A local node's connection failed.", error);
    });
    socket.on("close", () => this.#sockets.delete(socket));
  }

  #deliver(from: Socket, { topic, data, frame }: Frame): void {
    const command = this.#subscriptions.get(topic);
    if (command !== undefined) void this.receive(command, data);
    for (const socket of this.#sockets) if (socket !== from) socket.write(frame);
  }
}

interface Frame {
  topic: string;
  data: Buffer;
  /** The unchanged frame, for forwarding. */
  frame: Buffer;
}

function encodeFrame(topic: string, data: Buffer): Buffer {
  const name = Buffer.from(topic);
  const head = Buffer.alloc(6);
  head.writeUInt32BE(2 + name.length + data.length, 0);
  head.writeUInt16BE(name.length, 4);
  return Buffer.concat([head, name, data]);
}

/** Splits a byte stream into frames. */
class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0);

  /** Returns the frames that this chunk completes. Throws if the stream contains no frames. */
  push(chunk: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    while (this.#rest.length >= 6) {
      const length = this.#rest.readUInt32BE(0);
      if (length > maxFrameBytes) throw new Error("This is not a frame of the local transporter.");
      if (this.#rest.length < 4 + length) break;
      const frame = this.#rest.subarray(0, 4 + length);
      const dataStart = 6 + frame.readUInt16BE(4);
      frames.push({
        topic: frame.toString("utf8", 6, dataStart),
        data: frame.subarray(dataStart),
        frame,
      });
      this.#rest = this.#rest.subarray(4 + length);
    }
    return frames;
  }
}
