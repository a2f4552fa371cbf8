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

/** Reports messages to and from other nodes to the failure detector. */
export function failoverMiddleware(detector: FailureDetector): Middleware {
  return {
    name: "Failover",
    created(broker: ServiceBroker) {
      detector.start(broker);
    },
    async stopped() {
      detector.stop();
    },
    transitPublish(next: Publish): Publish {
      // Moleculer's hooks expect the transit as `this`.
      return function (packet) {
        const { type, target } = packet;
        if (target && (type === "REQ" || type === "EVENT")) detector.sent(target);
        return next.call(this, packet);
      };
    },
    transitMessageHandler(next: Handle): Handle {
      return function (command, packet) {
        const sender = packet.payload?.sender;
        if (sender !== undefined) detector.heard(sender);
        return next.call(this, command, packet);
      };
    },
    remoteAction(this: ServiceBroker, next: (ctx: Context) => Promise<unknown>) {
      return (ctx: Context) => {
        // While NATS is unavailable, Moleculer would log each call with its stack.
        if (this.transit?.tx.connected === false) {
          return Promise.reject(
            new Errors.MoleculerRetryableError("NATS is unavailable.", 502, "BAD_GATEWAY"),
          );
        }
        return next(ctx);
      };
    },
  } as unknown as Middleware;
}
