import type { Middleware, ServiceBroker } from "moleculer";
import { ClockWatch } from "../broker/clock-watch.ts";

/** Compares the clock of the node with those of the other nodes while the broker runs. */
export function clockMiddleware(): Middleware {
  let watch: ClockWatch | undefined;
  return {
    name: "Clock",
    created(broker: ServiceBroker) {
      watch = new ClockWatch(broker);
    },
    async stopped() {
      watch?.stop();
    },
  };
}
