import { Strategies, type Context, type ServiceBroker, type Transit } from "moleculer";
import { serviceUnavailable } from "../core/errors.ts";

type Request = Transit.TransitRequest;
type Endpoint = NonNullable<Parameters<Context["copy"]>[0]>;
type CallContext = Context<unknown, object, { resends?: number }> & {
  options: { retries?: number | null; timeout?: number | null };
  action: { name: string; retryPolicy?: { retries?: number }; graphql?: { mutation?: string } };
};

/**
 * All times are counted in looks and not by the clock: a process that stood still itself, and so has
 * read nothing, must not take the others for silent.
 */
const lookEveryMs = 50;
/** A node that owes an answer is asked whether it is there after so many looks without a message. */
const probeAfterLooks = 2;
/** And again, until it says something. */
const probeEveryLooks = 5;
/** After so many it is suspected to stand still. */
const suspectAfterLooks = 8;
/** A read that its node, which is there, has not answered is sent to another one as well. */
const hedgeAfterLooks = 10;
/** Such second sends are this share of all calls at most, and so many at once. */
const hedgeShare = 0.05;
const maxHedges = 20;
/** A call is sent to so many further nodes at most. */
const maxResends = 2;
/** An answer that comes that much later than the call's time-out is of no use to anybody. */
const abandonedAfterLooks = 20;

/** What is known of another node. */
interface Contact {
  /** Looks without any message from it, while it owes one. */
  silentLooks: number;
  /** Something was sent to it since it last said something. */
  isAsked: boolean;
}

/**
 * Watches the nodes that this one has sent calls and events to.
 * - A node whose process is gone (NATS knows) leaves the registry: its calls are rejected at once.
 *   Those that it has never got are sent to another node.
 * - A node that says nothing for some 400 ms, not even to a ping, is suspected: it is balanced
 *   around, and the calls that it has, and that may be made twice, are sent to another node as well.
 *   It may still answer; whoever does so first counts. With nobody else there it is called all the
 *   same. The first message from it ends the suspicion.
 */
export class FailureDetector {
  readonly suspects = new Set<string>();
  readonly #gone = new Set<string>();
  readonly #contacts = new Map<string, Contact>();
  readonly #firstSeen = new WeakMap<Request, number>();
  readonly #hedged = new WeakSet<Request>();
  #broker: ServiceBroker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #hedges = maxHedges;

  start(broker: ServiceBroker): void {
    this.#broker = broker;
    broker.localBus.on("$node.disconnected", ({ node }: { node: { id: string } }) => {
      this.#forget(node.id);
    });
    broker.localBus.on("$transporter.disconnected", () => {
      for (const nodeID of this.#contacts.keys()) this.#forget(nodeID);
    });
    this.#timer = setInterval(() => {
      this.#look();
    }, lookEveryMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A call or an event is sent to a node. */
  sent(nodeID: string): void {
    this.#contactOf(nodeID).isAsked = true;
    this.#hedges = Math.min(maxHedges, this.#hedges + hedgeShare);
  }

  /** Something came from a node. */
  heard(nodeID: string): void {
    const contact = this.#contacts.get(nodeID);
    if (contact === undefined) return;
    contact.silentLooks = 0;
    contact.isAsked = false;
    if (this.suspects.size > 0 && this.suspects.delete(nodeID)) {
      this.#broker?.logger.info(`Node '${nodeID}' answers again.`);
    }
  }

  /** NATS says that nobody has got what was sent to a node. */
  undelivered(nodeID: string, callId: string): void {
    // It leaves the registry with the next look: until then NATS says the same of other calls to it,
    // and so which of them it has never got.
    this.#gone.add(nodeID);
    this.suspects.add(nodeID);
    const request = this.#broker?.transit?.pendingRequests.get(callId);
    if (request?.nodeID !== nodeID || this.#resend(request)) return;
    this.#broker?.transit?.removePendingRequest(callId);
    request.reject(serviceUnavailable("The node that should have answered is gone."));
  }

  #contactOf(nodeID: string): Contact {
    let contact = this.#contacts.get(nodeID);
    if (contact === undefined) {
      contact = { silentLooks: 0, isAsked: false };
      this.#contacts.set(nodeID, contact);
    }
    return contact;
  }

  #forget(nodeID: string): void {
    this.#contacts.delete(nodeID);
    this.suspects.delete(nodeID);
    this.#gone.delete(nodeID);
  }

  #look(): void {
    this.#looks += 1;
    const { transit, registry } = this.#broker ?? {};
    if (!transit || !registry) return;
    for (const nodeID of this.#gone) {
      this.#gone.delete(nodeID);
      registry.discoverer.remoteNodeDisconnected(nodeID, true);
      this.#forget(nodeID);
    }
    const owing = new Set<string>();
    for (const [id, request] of transit.pendingRequests) {
      this.#lookAt(id, request);
      owing.add(request.nodeID);
    }
    for (const [nodeID, contact] of this.#contacts) {
      if (contact.isAsked || owing.has(nodeID) || this.suspects.has(nodeID)) {
        this.#lookAtNode(nodeID, contact);
      } else {
        contact.silentLooks = 0;
      }
    }
  }

  #lookAtNode(nodeID: string, contact: Contact): void {
    contact.silentLooks += 1;
    const sinceProbe = contact.silentLooks - probeAfterLooks;
    if (sinceProbe >= 0 && sinceProbe % probeEveryLooks === 0) {
      void this.#broker?.transit?.sendPing(nodeID);
    }
    if (contact.silentLooks === suspectAfterLooks) {
      this.suspects.add(nodeID);
      this.#broker?.logger.warn(`Node '${nodeID}' is silent: others are called instead of it.`);
    }
  }

  #lookAt(id: string, request: Request): void {
    const first = this.#firstSeen.get(request) ?? this.#looks;
    this.#firstSeen.set(request, first);
    const age = this.#looks - first;
    const { options, locals } = request.ctx as CallContext;
    if (age > Math.ceil((options.timeout ?? 0) / lookEveryMs) + abandonedAfterLooks) {
      // Its time-out has answered the caller; Moleculer would keep it until the node leaves.
      this.#broker?.transit?.removePendingRequest(id);
      return;
    }
    if (this.#hedged.has(request) || !isRepeatable(request)) return;
    if ((locals.resends ?? 0) >= maxResends) return;
    if (this.suspects.has(request.nodeID)) {
      this.#sendAlso(request);
    } else if (age >= hedgeAfterLooks && this.#hedges >= 1 && isRead(request)) {
      if (this.#sendAlso(request)) this.#hedges -= 1;
    }
  }

  #sendAlso(request: Request): boolean {
    if (!this.#resend(request, true)) return false;
    const { locals } = request.ctx as CallContext;
    locals.resends = (locals.resends ?? 0) + 1;
    return true;
  }

  /**
   * Sends a call to another node as well, under the same id: the answer of either is the call's.
   * False where there is no other node.
   */
  #resend(request: Request, onlyToHealthy = false): boolean {
    const { ctx, resolve, reject, nodeID } = request;
    const { action } = ctx as CallContext;
    const endpoint = this.#elsewhere(action.name, nodeID, onlyToHealthy);
    if (endpoint === undefined) return false;
    const second = ctx.copy(endpoint);
    second.id = ctx.id;
    this.#hedged.add(request);
    this.#broker?.transit?.request(second).then(resolve, reject);
    return true;
  }

  #elsewhere(action: string, nodeID: string, onlyToHealthy: boolean): Endpoint | undefined {
    const list = this.#broker?.registry.actions.get(action)?.endpoints ?? [];
    const others = (list as (Endpoint & { local: boolean; isAvailable: boolean })[]).filter(
      ({ id, local, isAvailable }) => isAvailable && !local && id !== nodeID && !this.#gone.has(id),
    );
    const healthy = others.filter(({ id }) => !this.suspects.has(id));
    const from = healthy.length > 0 || onlyToHealthy ? healthy : others;
    return from[Math.floor(Math.random() * from.length)];
  }
}

/** A second time changes nothing: a read, a call declared so, or a mutation with a key. */
function isRepeatable({ ctx }: Request): boolean {
  const { options, action } = ctx as CallContext;
  return (options.retries ?? action.retryPolicy?.retries ?? 0) > 0;
}

function isRead({ ctx }: Request): boolean {
  const { graphql } = (ctx as CallContext).action;
  return graphql?.mutation === undefined;
}

/** Takes turns among the nodes that are not suspected, or among all where all are. */
export function strategyAvoiding(suspects: ReadonlySet<string>): typeof Strategies.Base {
  return class AroundSuspects extends Strategies.RoundRobin {
    override select(list: Parameters<Strategies.RoundRobin["select"]>[0]) {
      if (suspects.size === 0) return super.select(list);
      const healthy = list.filter(({ id }) => !suspects.has(id));
      return super.select(healthy.length > 0 ? healthy : list);
    }
  };
}
