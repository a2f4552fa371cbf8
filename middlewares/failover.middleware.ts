import { Errors, type Context, type Middleware, type ServiceBroker } from "moleculer";
import type { FailureDetector } from "../broker/failure-detector.ts";

type Publish = (this: unknown, packet: SentPacket) => Promise<unknown>;
type Handle = (this: unknown, command: string, packet: ReceivedPacket) => Promise<unknown>;

interface SentPacket {
  type: string;
  target?: string | null;
}

interface ReceivedPacket {
  payload?: { sender?: string };
}

/** Tells the watch what is sent to other nodes and what comes from them. */
export function failoverMiddleware(watch: FailureDetector): Middleware {
  return {
    name: "Failover",
    created(broker: ServiceBroker) {
      watch.start(broker);
    },
    async stopped() {
      watch.stop();
    },
    transitPublish(next: Publish): Publish {
      // Moleculer's own hooks look for the transit in `this`.
      return function (packet) {
        const { type, target } = packet;
        if (target && (type === "REQ" || type === "EVENT")) watch.sent(target);
        return next.call(this, packet);
      };
    },
    transitMessageHandler(next: Handle): Handle {
      return function (command, packet) {
        const sender = packet.payload?.sender;
        if (sender !== undefined) watch.heard(sender);
        return next.call(this, command, packet);
      };
    },
    remoteAction(this: ServiceBroker, next: (ctx: Context) => Promise<unknown>) {
      return (ctx: Context) => {
        // Moleculer would log each call that finds NATS away, with its stack.
        if (this.transit?.tx.connected === false) {
          return Promise.reject(
            new Errors.MoleculerRetryableError("NATS is away.", 502, "BAD_GATEWAY"),
          );
        }
        return next(ctx);
      };
    },
  } as unknown as Middleware;
}
