import { setTimeout as sleep } from "node:timers/promises";
import type { Middleware, ServiceBroker } from "moleculer";

/**
 * How long calls wait for a node after the loss of a node or of NATS. If one of several NATS servers
 * ends, its nodes are connected to another one within half a second.
 */
const graceMs = 1_000;
const pollMs = 25;

type Call = (action: string, params?: unknown, options?: CallOptions) => Promise<unknown>;

interface CallOptions {
  /** The call is for this node only. */
  nodeID?: string;
}

/** A promise of a call: `ctx.call` reads the metadata of the called context. */
type CallPromise = Promise<unknown> & { ctx?: unknown };

/**
 * Calls that find no node, or no connection to NATS, wait for them within `graceMs` after a loss. A
 * call that waits was not sent, so this is safe for each of them.
 */
export function reconnectMiddleware(): Middleware {
  let broker: ServiceBroker;
  let waitUntilMs = 0;
  let nextLook: Promise<void> | undefined;

  const onLoss = () => {
    waitUntilMs = performance.now() + graceMs;
  };
  const mayWait = () => performance.now() < waitUntilMs && !broker.stopping;

  async function untilReachable(action: string): Promise<void> {
    while (mayWait() && !isReachable(broker, action)) {
      // All waiting calls share a timer.
      nextLook ??= sleep(pollMs).then(() => {
        nextLook = undefined;
      });
      await nextLook;
    }
  }

  return {
    name: "Reconnect",
    created(created: ServiceBroker) {
      broker = created;
      const { localBus } = broker;
      localBus.on("$transporter.disconnected", onLoss);
      localBus.on("$node.disconnected", ({ unexpected }: { unexpected: boolean }) => {
        if (unexpected) onLoss();
      });
    },
    // Moleculer's hook has no broker as `this`.
    call(next: Call): Call {
      return (action, params, options) => {
        if (!mayWait() || options?.nodeID !== undefined || isReachable(broker, action)) {
          return next(action, params, options);
        }
        const call: CallPromise = untilReachable(action).then(() => {
          const sent: CallPromise = next(action, params, options);
          return sent.finally(() => {
            call.ctx = sent.ctx;
          });
        });
        return call;
      };
    },
  } as unknown as Middleware;
}

/** Returns true if this node has the action, or knows another one and is connected to NATS. */
function isReachable({ registry, transit }: ServiceBroker, action: string): boolean {
  const { actions } = registry as unknown as Registry;
  const endpoints = actions.get(action);
  if (endpoints?.hasLocal() === true) return true;
  return transit?.tx.connected === true && endpoints?.hasAvailable() === true;
}

/** The members of Moleculer's registry that its types omit. */
interface Registry {
  actions: { get(action: string): { hasLocal(): boolean; hasAvailable(): boolean } | undefined };
}
