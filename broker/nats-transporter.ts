import { Transporters } from "moleculer";
import type { Msg, NatsConnection, ServerInfo, Status } from "nats";
import { commonErrors, ClientError } from "../core/errors.ts";
import { atMostEvery } from "../core/tasks/at-most-every.ts";
import { MessageParts, partsOf } from "./message-parts.ts";
import { correctAttempts } from "./nats-attempts.ts";
import { connectionFaultOf, type NatsOptions } from "./nats-faults.ts";

const reminderMs = 3_000;
/** A node that loads its services does not read what NATS answers, and misses ticks. */
const reminderTicks = 30;
const deniedEveryMs = 10_000;

/** Larger messages are rejected; the caller has to request pages. */
export const maxMessageBytes = 16 * 1_048_576;
/** nats-server's default. The actual value comes with the connection. */
const usualMaxPayload: ServerInfo["max_payload"] = 1_048_576;

/** Packets for which the sender has to know that the target node is gone. */
const reportedTypes: ReadonlySet<string> = new Set(["REQ", "EVENT", "PING"]);

/** Members of a Moleculer packet that its types omit. */
interface SentPacket {
  type: string;
  target?: string | null;
  payload: { id?: string; [key: string]: unknown };
}

type Packet = Parameters<InstanceType<typeof Transporters.NATS>["prepublish"]>[0];

/** Handles a message without a subscriber: the node's process is gone, or has lost NATS. */
export type Undelivered = (nodeID: string, callId: string) => void;

/**
 * Moleculer's NATS transporter with three additions:
 * - It reports a message to a node that is gone. nats-server answers a message that has a reply
 *   subject with "no responders" if no client subscribes to the message's subject.
 * - It rejects open calls when the connection to NATS is lost, and rejoins after the reconnect.
 * - It sends messages above NATS's `max_payload` in parts.
 */
export class NatsTransporter extends Transporters.NATS {
  readonly #onUndelivered: Undelivered;
  readonly #parts = new MessageParts();
  readonly #mayLogDenied = atMostEvery(deniedEveryMs);
  #reminder: NodeJS.Timeout | undefined;

  constructor(options: NatsOptions, onUndelivered: Undelivered) {
    super(options);
    this.#onUndelivered = onUndelivered;
  }

  override async connect(): Promise<void> {
    this.#remind();
    try {
      await correctAttempts();
      await super.connect();
    } finally {
      clearInterval(this.#reminder);
    }
  }

  override async disconnect(): Promise<void> {
    clearInterval(this.#reminder);
    await super.disconnect();
  }

  /** Warns at an interval while the client waits, which it does without a message. */
  #remind(): void {
    let ticks = 0;
    const reminder = setInterval(() => {
      ticks += 1;
      if (ticks % reminderTicks !== 0) return;
      void connectionFaultOf(this.opts as NatsOptions).then((reason) => {
        if (reason === undefined || this.#reminder !== reminder || this.connected) return;
        this.logger.warn(`NATS cannot be reached, or rejects this node (${reason}); still trying.`);
      });
    }, reminderMs / reminderTicks);
    this.#reminder = reminder;
  }

  get #connection(): NatsConnection {
    return this.client as NatsConnection;
  }

  /** Measures a round trip to the NATS server. */
  async roundTripMs(): Promise<number> {
    return this.#connection.rtt();
  }

  override async onConnected(wasReconnect = false): Promise<void> {
    clearInterval(this.#reminder);
    if (!wasReconnect) {
      void this.#followStatus(this.#connection);
      this.#connection.subscribe(`${this.#undeliveredSubject}.>`, {
        callback: (error, message) => {
          if (error === null) this.#reportUndelivered(message);
        },
      });
    }
    await super.onConnected(wasReconnect);
  }

  override async subscribe(command: string, nodeID?: string): Promise<void> {
    const listen = (subject: string, receive: (data: Buffer) => void) => {
      this.#connection.subscribe(subject, {
        callback: (error, { data }) => {
          if (error === null) receive(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
          else this.logger.error(`NATS rejects the subscription to ${subject}.`, error);
        },
      });
    };
    const subject = this.getTopicName(command, nodeID);
    listen(subject, (data) => void this.receive(command, data));
    listen(this.#partSubject(subject), (part) => {
      // The connection reuses the buffer after this call, so it is copied.
      const message = this.#parts.push(Buffer.from(part));
      if (message !== undefined) void this.receive(command, message);
    });
  }

  /** Drops events without an error while NATS is unavailable: consumers read them from the log. */
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
      await this.#rejectTooLarge(sent?.packet, data.length);
    }
  }

  /** Sends the error to the caller, also if the response is too large: the caller must ask for less. */
  async #rejectTooLarge(packet: SentPacket | undefined, bytes: number): Promise<void> {
    const error = new ClientError(
      commonErrors.QUERY_TOO_COMPLEX,
      `A message between two services would have ${bytes} bytes, and ${maxMessageBytes} are allowed; ask for less.`,
      { limit: maxMessageBytes },
    );
    if (packet?.type !== "RES") throw error;
    const { payload } = packet;
    Object.assign(payload, { success: false, data: null });
    payload.error = this.broker.errorRegenerator?.extractPlainError(error, payload);
    await this.publish(packet as unknown as Packet);
  }

  /** Returns the subject for the parts of messages: `MOL-shop.PART-REQ.<node>`. */
  #partSubject(subject: string): string {
    return `${this.prefix}.PART-${subject.slice(this.prefix.length + 1)}`;
  }

  /** Has the prefix of the subjects that NATS permits to the nodes of this namespace. */
  get #undeliveredSubject(): string {
    return `${this.prefix}.GONE.${this.nodeID}`;
  }

  #undeliveredReply({ type, target, payload }: SentPacket): { reply: string } | undefined {
    if (!target || !reportedTypes.has(type)) return undefined;
    // The node id comes last: it may contain dots, the id of a context does not.
    return { reply: `${this.#undeliveredSubject}.${payload.id ?? "-"}.${target}` };
  }

  #reportUndelivered({ subject, headers }: Msg): void {
    if (headers?.code !== 503) return;
    const [callId = "", ...node] = subject.slice(this.#undeliveredSubject.length + 1).split(".");
    this.#onUndelivered(node.join("."), callId);
  }

  async #followStatus(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (this.transit.disconnecting) return;
      // nats's enum of the types is a value: its import would load all of `nats`.
      const type: string = status.type;
      if (type === "error") this.#onDenied(status);
      if (type === "disconnect") this.#onDisconnected();
      if (type === "reconnect") await this.onConnected(true);
    }
  }

  /** No other log line says why the other nodes do not see this node. */
  #onDenied({ permissionContext }: Status): void {
    if (permissionContext?.operation !== "publish" || !this.#mayLogDenied()) return;
    const { subject } = permissionContext;
    this.logger.error(
      `NATS does not permit this node to publish to ${subject}. Correct the permissions of its user.`,
    );
  }

  #onDisconnected(): void {
    // Each rejected reconnect is also a disconnect.
    if (!this.connected) return;
    this.connected = false;
    // Moleculer sets this metric to 1 after each connection, but to 0 only when it disconnects itself.
    this.broker.metrics.set("moleculer.transit.connected", 0);
    this.logger.warn("The connection to NATS is lost; reconnecting.");
    this.#remind();
    // This stops the heartbeat checks, so that no node counts as dead while NATS is unavailable.
    void this.broker.broadcastLocal("$transporter.disconnected", { graceFul: false });
    for (const { id, local } of this.broker.registry.nodes.toArray()) {
      if (!local) this.transit.removePendingRequestByNodeID(id);
    }
  }
}
