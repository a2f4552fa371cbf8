import { Transporters } from "moleculer";
import type { Msg, NatsConnection, ServerInfo } from "nats";
import { commonErrors, ClientError } from "../core/errors.ts";
import { MessageParts, partsOf } from "./message-parts.ts";

type NatsOptions = NonNullable<ConstructorParameters<typeof Transporters.NATS>[0]>;

/** Messages above this are refused: what asks for more has to ask for pages. */
export const maxMessageBytes = 16 * 1_048_576;
/** nats-server's default; what it really takes, it says when a node connects. */
const usualMaxPayload: ServerInfo["max_payload"] = 1_048_576;

/** A packet that waits for somebody to take it: a node that is gone will not. */
const waitingTypes: ReadonlySet<string> = new Set(["REQ", "EVENT", "PING"]);

/** A packet of Moleculer's, whose types leave out its members. */
interface SentPacket {
  type: string;
  target?: string | null;
  payload: { id?: string; [key: string]: unknown };
}

type Packet = Parameters<InstanceType<typeof Transporters.NATS>["prepublish"]>[0];

/** A message to this node has met no subscription: its process is gone, or has lost NATS. */
export type Undelivered = (nodeID: string, callId: string) => void;

/**
 * Moleculer's NATS transporter, which also
 * - says at once when a message to a node has met nobody: nats-server answers a message with a
 *   reply subject by "no responders" when nobody has subscribed to its subject;
 * - rejects the calls under way when NATS goes away, and joins anew when it is back;
 * - sends messages that are larger than NATS takes in parts.
 */
export class NatsTransporter extends Transporters.NATS {
  readonly #onUndelivered: Undelivered;
  readonly #parts = new MessageParts();

  constructor(options: NatsOptions, onUndelivered: Undelivered) {
    super(options);
    this.#onUndelivered = onUndelivered;
  }

  get #connection(): NatsConnection {
    return this.client as NatsConnection;
  }

  override async onConnected(wasReconnect = false): Promise<void> {
    if (!wasReconnect) {
      void this.#follow(this.#connection);
      this.#connection.subscribe(`${this.#undeliveredSubject}.>`, {
        callback: (error, message) => {
          if (error === null) this.#hearUndelivered(message);
        },
      });
    }
    await super.onConnected(wasReconnect);
  }

  override async subscribe(command: string, nodeID?: string): Promise<void> {
    const take = (subject: string, receive: (data: Buffer) => void) => {
      this.#connection.subscribe(subject, {
        callback: (error, { data }) => {
          if (error === null) receive(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
          else this.logger.error(`NATS refuses the subscription to ${subject}.`, error);
        },
      });
    };
    const subject = this.getTopicName(command, nodeID);
    take(subject, (data) => void this.receive(command, data));
    take(this.#partSubject(subject), (part) => {
      // The bytes of the part are the connection's, and last for this call only.
      const message = this.#parts.push(Buffer.from(part));
      if (message !== undefined) void this.receive(command, message);
    });
  }

  /** An event that cannot be sent while NATS is away is read from the log: no reason to complain. */
  override async prepublish(packet: Packet): Promise<void> {
    if (!this.connected && packet.type === "EVENT") return;
    await super.prepublish(packet);
  }

  override async send(topic: string, data: Buffer, sent?: { packet?: SentPacket }): Promise<void> {
    const connection = this.client as NatsConnection | null;
    if (connection === null) return;
    const limit = connection.info?.max_payload ?? usualMaxPayload;
    const reply = sent?.packet && this.#undeliveredReply(sent.packet);
    if (data.length <= limit) {
      connection.publish(topic, data, reply);
    } else if (data.length <= maxMessageBytes) {
      const subject = this.#partSubject(topic);
      for (const part of partsOf(data, limit)) connection.publish(subject, part, reply);
    } else {
      await this.#refuse(sent?.packet, data.length);
    }
  }

  /** Tells the caller that the message is too large: it is the only one who can ask for less. */
  async #refuse(packet: SentPacket | undefined, bytes: number): Promise<void> {
    const refusal = new ClientError(
      commonErrors.QUERY_TOO_COMPLEX,
      `A message between two services would have ${bytes} bytes, and ${maxMessageBytes} are allowed; ask for less.`,
      { limit: maxMessageBytes },
    );
    if (packet?.type !== "RES") throw refusal;
    const { payload } = packet;
    Object.assign(payload, { success: false, data: null });
    payload.error = this.broker.errorRegenerator?.extractPlainError(refusal, payload);
    await this.publish(packet as unknown as Packet);
  }

  /** The parts of messages have subjects of their own: `MOL-shop.PART-REQ.<node>`. */
  #partSubject(subject: string): string {
    return `${this.prefix}.PART-${subject.slice(this.prefix.length + 1)}`;
  }

  /** Below the subjects that each node of this namespace may use. */
  get #undeliveredSubject(): string {
    return `${this.prefix}.GONE.${this.nodeID}`;
  }

  #undeliveredReply({ type, target, payload }: SentPacket): { reply: string } | undefined {
    if (!target || !waitingTypes.has(type)) return undefined;
    // Ids of contexts have no dots; those of nodes may have some.
    return { reply: `${this.#undeliveredSubject}.${payload.id ?? "-"}.${target}` };
  }

  #hearUndelivered({ subject, headers }: Msg): void {
    if (headers?.code !== 503) return;
    const [callId = "", ...node] = subject.slice(this.#undeliveredSubject.length + 1).split(".");
    this.#onUndelivered(node.join("."), callId);
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (this.transit.disconnecting) return;
      // The enum of its types is a value, for which the whole of `nats` would be loaded.
      const type: string = status.type;
      if (type === "disconnect") this.#onDisconnected();
      if (type === "reconnect") await this.onConnected(true);
    }
  }

  #onDisconnected(): void {
    this.connected = false;
    this.logger.warn("The connection to NATS is lost; trying to connect again.");
    // Heartbeats stand still meanwhile: nobody is taken for dead because NATS is away.
    void this.broker.broadcastLocal("$transporter.disconnected", { graceFul: false });
    for (const { id, local } of this.broker.registry.nodes.toArray()) {
      if (!local) this.transit.removePendingRequestByNodeID(id);
    }
  }
}
