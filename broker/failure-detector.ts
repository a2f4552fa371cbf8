import { Strategies, type Context, type ServiceBroker, type Transit } from "moleculer";
import { serviceUnavailable } from "../core/errors.ts";

type Request = Transit.TransitRequest;
type Endpoint = NonNullable<Parameters<Context["copy"]>[0]>;
type CallContext = Context<unknown, object, { resends?: number }> & {
  options: { retries?: number | null; timeout?: number | null };
  action: { name: string; retryPolicy?: { retries?: number }; graphql?: { mutation?: string } };
};

/**
 * Times are counted in ticks, not by the clock: a process that was paused itself has read no
 * messages, and must not suspect other nodes for that.
 */
const tickMs = 50;
/** A node that owes an answer gets a ping after this many ticks without a message from it. */
const probeAfterTicks = 2;
/** Further pings follow at this interval. */
const probeEveryTicks = 5;
/** A node is suspected after this many ticks without a message. */
const suspectAfterTicks = 8;
/** An unanswered read is hedged (sent to a second node) after this many ticks. */
const hedgeReadAfterTicks = 10;
/** So is another call that is safe to retry. It often waits for a lock, and would on any node. */
const hedgeWriteAfterTicks = 20;
/** The most hedged calls: this share of all calls, in bursts of up to `maxHedges`. */
const hedgeShare = 0.05;
const maxHedges = 20;
/** The most further nodes that one call is sent to. */
const maxResends = 2;
/** A call is dropped this many ticks after its timeout. */
const abandonedAfterTicks = 20;

interface NodeState {
  /** Ticks without a message from the node while it owes one. */
  silentTicks: number;
  /** A call or an event was sent to the node after its last message. */
  isAwaited: boolean;
}

/**
 * Watches the nodes that this node has sent calls and events to.
 * - A node whose process is gone (reported by NATS) leaves the registry, and its calls are rejected
 *   immediately. Calls that it never received are sent to another node.
 * - A node that sends no message for about 400 ms, not even a pong, is suspected. The load balancer
 *   avoids it, and its open calls that are safe to retry are also sent to another node; the first
 *   answer counts. A suspected node is still called if no other node has the action. Its next
 *   message ends the suspicion.
 */
export class FailureDetector {
  readonly suspects = new Set<string>();
  readonly #gone = new Set<string>();
  readonly #nodes = new Map<string, NodeState>();
  readonly #firstSeen = new WeakMap<Request, number>();
  readonly #hedged = new WeakSet<Request>();
  #broker: ServiceBroker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  #hedges = maxHedges;

  start(broker: ServiceBroker): void {
    this.#broker = broker;
    broker.localBus.on("$node.disconnected", ({ node }: { node: { id: string } }) => {
      this.#forget(node.id);
    });
    broker.localBus.on("$transporter.disconnected", () => {
      for (const nodeID of this.#nodes.keys()) this.#forget(nodeID);
    });
    this.#timer = setInterval(() => {
      this.#tick();
    }, tickMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Records that a call or an event is sent to a node. */
  sent(nodeID: string): void {
    this.#stateOf(nodeID).isAwaited = true;
    this.#hedges = Math.min(maxHedges, this.#hedges + hedgeShare);
  }

  /** Records that a message came from a node. */
  heard(nodeID: string): void {
    // It has connected to NATS again, and may have told its services: it would not tell them again.
    if (this.#gone.size > 0) this.#gone.delete(nodeID);
    const state = this.#nodes.get(nodeID);
    if (state === undefined) return;
    state.silentTicks = 0;
    state.isAwaited = false;
    if (this.suspects.size > 0 && this.suspects.delete(nodeID)) {
      this.#broker?.logger.info(`Node '${nodeID}' answers again.`);
    }
  }

  /** Handles NATS's report that a message to a node had no subscriber. */
  undelivered(nodeID: string, callId: string): void {
    // The node leaves the registry at the next tick. Until then NATS reports its other calls, too,
    // and thereby which of them the node never received.
    this.#gone.add(nodeID);
    this.suspects.add(nodeID);
    const request = this.#broker?.transit?.pendingRequests.get(callId);
    if (request?.nodeID !== nodeID || this.#resend(request)) return;
    this.#broker?.transit?.removePendingRequest(callId);
    request.reject(serviceUnavailable("The called node is gone. Try again."));
  }

  #stateOf(nodeID: string): NodeState {
    let state = this.#nodes.get(nodeID);
    if (state === undefined) {
      state = { silentTicks: 0, isAwaited: false };
      this.#nodes.set(nodeID, state);
    }
    return state;
  }

  #forget(nodeID: string): void {
    this.#nodes.delete(nodeID);
    this.suspects.delete(nodeID);
    this.#gone.delete(nodeID);
  }

  #tick(): void {
    this.#ticks += 1;
    const { transit, registry } = this.#broker ?? {};
    if (!transit || !registry) return;
    for (const nodeID of this.#gone) {
      this.#gone.delete(nodeID);
      registry.discoverer.remoteNodeDisconnected(nodeID, true);
      this.#forget(nodeID);
    }
    const owing = new Set<string>();
    for (const [id, request] of transit.pendingRequests) {
      this.#checkRequest(id, request);
      owing.add(request.nodeID);
    }
    // Without NATS, the silence is this node's own, and a ping would be an error line of Moleculer.
    if (!transit.tx.connected) return;
    for (const [nodeID, state] of this.#nodes) {
      if (state.isAwaited || owing.has(nodeID) || this.suspects.has(nodeID)) {
        this.#checkNode(nodeID, state);
      } else {
        state.silentTicks = 0;
      }
    }
  }

  #checkNode(nodeID: string, state: NodeState): void {
    state.silentTicks += 1;
    const sinceProbe = state.silentTicks - probeAfterTicks;
    if (sinceProbe >= 0 && sinceProbe % probeEveryTicks === 0) {
      void this.#broker?.transit?.sendPing(nodeID);
    }
    if (state.silentTicks === suspectAfterTicks) {
      this.suspects.add(nodeID);
      this.#broker?.logger.warn(`Node '${nodeID}' is silent: calls go to other nodes.`);
    }
  }

  #checkRequest(id: string, request: Request): void {
    const first = this.#firstSeen.get(request) ?? this.#ticks;
    this.#firstSeen.set(request, first);
    const age = this.#ticks - first;
    const { options, locals } = request.ctx as CallContext;
    if (age > Math.ceil((options.timeout ?? 0) / tickMs) + abandonedAfterTicks) {
      // The caller got a timeout; Moleculer would keep the request until the node leaves.
      this.#broker?.transit?.removePendingRequest(id);
      return;
    }
    if (this.#hedged.has(request) || !isSafeToRetry(request)) return;
    if ((locals.resends ?? 0) >= maxResends) return;
    if (this.suspects.has(request.nodeID)) {
      this.#hedge(request);
      return;
    }
    const hedgeAfterTicks = isRead(request) ? hedgeReadAfterTicks : hedgeWriteAfterTicks;
    if (age >= hedgeAfterTicks && this.#hedges >= 1 && this.#hedge(request)) this.#hedges -= 1;
  }

  #hedge(request: Request): boolean {
    if (!this.#resend(request, true)) return false;
    const { locals } = request.ctx as CallContext;
    locals.resends = (locals.resends ?? 0) + 1;
    return true;
  }

  /**
   * Sends a call to another node as well, with the same id; the first answer counts. Returns false
   * if there is no other node.
   */
  #resend(request: Request, onlyToHealthy = false): boolean {
    const { ctx, resolve, reject, nodeID } = request;
    const { action } = ctx as CallContext;
    const endpoint = this.#otherEndpoint(action.name, nodeID, onlyToHealthy);
    if (endpoint === undefined) return false;
    const second = ctx.copy(endpoint);
    second.id = ctx.id;
    this.#hedged.add(request);
    this.#broker?.transit?.request(second).then(resolve, reject);
    return true;
  }

  #otherEndpoint(action: string, nodeID: string, onlyToHealthy: boolean): Endpoint | undefined {
    const list = this.#broker?.registry.actions.get(action)?.endpoints ?? [];
    const others = (list as (Endpoint & { local: boolean; isAvailable: boolean })[]).filter(
      ({ id, local, isAvailable }) => isAvailable && !local && id !== nodeID && !this.#gone.has(id),
    );
    const healthy = others.filter(({ id }) => !this.suspects.has(id));
    const from = healthy.length > 0 || onlyToHealthy ? healthy : others;
    return from[Math.floor(Math.random() * from.length)];
  }
}

/** Returns true for a read, an action with `safeToRetry` and a mutation with an idempotency key. */
function isSafeToRetry({ ctx }: Request): boolean {
  const { options, action } = ctx as CallContext;
  return (options.retries ?? action.retryPolicy?.retries ?? 0) > 0;
}

function isRead({ ctx }: Request): boolean {
  const { graphql } = (ctx as CallContext).action;
  return graphql?.mutation === undefined;
}

/** Returns a round-robin strategy that avoids suspected nodes, unless all nodes are suspected. */
export function strategyAvoiding(suspects: ReadonlySet<string>): typeof Strategies.Base {
  return class AvoidingSuspects extends Strategies.RoundRobin {
    override select(list: Parameters<Strategies.RoundRobin["select"]>[0]) {
      if (suspects.size === 0) return super.select(list);
      const healthy = list.filter(({ id }) => !suspects.has(id));
      return super.select(healthy.length > 0 ? healthy : list);
    }
  };
}
