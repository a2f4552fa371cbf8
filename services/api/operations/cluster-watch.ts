import type { ServiceBroker } from "moleculer";
import { gatewayName } from "../../../core/access.ts";
import type { NodeHistory, NodeVitals } from "../../../core/vitals/flows.ts";
import { SharedResult } from "../../../core/tasks/shared-result.ts";
import { EventQueue } from "../subscriptions/event-queue.ts";
import { clusterOf, type Cluster, type ListedNode } from "./cluster-picture.ts";
import { historyOf, type ClusterHistory } from "./cluster-history.ts";

/** How often the watchers get the cluster. */
const everyMs = 2_000;
/** A node that takes longer is silent. */
const answerTimeoutMs = 1_000;
/** Queries share a collection of this age. */
const clusterMaxAgeMs = 1_000;
const historyMaxAgeMs = 5_000;
/** The maximum number of nodes that are called. */
export const maxNodes = 200;

/**
 * Collects the state of all nodes for the clients of this gateway. All clients share one collection,
 * and without a client there is none.
 */
export class ClusterWatch {
  readonly #broker: ServiceBroker;
  readonly #cluster = new SharedResult(clusterMaxAgeMs, () => this.#collectCluster());
  readonly #history = new SharedResult(historyMaxAgeMs, () => this.#collectHistory());
  readonly #watchers = new Set<ClusterUpdates>();
  #timer: NodeJS.Timeout | undefined;
  #isCollecting = false;

  constructor(broker: ServiceBroker) {
    this.#broker = broker;
  }

  /** Returns the cluster, collected within the last second. */
  cluster(): Promise<Cluster> {
    return this.#cluster.get();
  }

  /** Returns the history of the cluster, collected within the last seconds. */
  history(): Promise<ClusterHistory> {
    return this.#history.get();
  }

  /**
   * Returns the cluster now and every two seconds, until `return` is called.
   *
   * @param revocation called before each update; an error that it returns ends the iteration
   */
  watch(revocation: () => Error | undefined): ClusterUpdates {
    const updates = new ClusterUpdates(revocation, () => {
      this.#watchers.delete(updates);
      if (this.#watchers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
    this.#watchers.add(updates);
    this.#timer ??= setInterval(() => void this.#update(), everyMs).unref();
    this.cluster().then(
      (cluster) => {
        updates.offer(cluster);
      },
      (error: unknown) => {
        updates.fail(error as Error);
      },
    );
    return updates;
  }

  async #update(): Promise<void> {
    if (this.#isCollecting) return;
    this.#isCollecting = true;
    try {
      const cluster = await this.cluster();
      for (const watcher of this.#watchers) watcher.offer(cluster);
    } catch (error) {
      for (const watcher of this.#watchers) watcher.fail(error as Error);
    } finally {
      this.#isCollecting = false;
    }
  }

  async #collectCluster(): Promise<Cluster> {
    const at = new Date().toISOString();
    const nodes = await this.#callAll("$node.vitals");
    return clusterOf(at, nodes as (ListedNode & { answer: NodeVitals | undefined })[]);
  }

  async #collectHistory(): Promise<ClusterHistory> {
    const nodes = await this.#callAll("$node.vitalsHistory");
    return historyOf(nodes as (ListedNode & { answer: NodeHistory | undefined })[]);
  }

  /** Calls an action on all nodes. A node that does not answer in time has no answer. */
  async #callAll(
    action: "$node.vitals" | "$node.vitalsHistory",
  ): Promise<(ListedNode & { answer: unknown })[]> {
    const options = { onlyAvailable: true, withServices: true };
    const listed = this.#broker.registry.getNodeList(options) as unknown as ListedNode[];
    const endpoints = this.#broker.registry.actions.get(action) as
      { getEndpointByNodeID(id: string): unknown } | undefined;
    return Promise.all(
      listed.slice(0, maxNodes).map(async ({ id, hostname, services }) => {
        // A call of an action that a node lacks would log a warning.
        const isKnown = Boolean(endpoints?.getEndpointByNodeID(id));
        const answer = isKnown ? await this.#call(action, id) : undefined;
        return { id, hostname, services, answer };
      }),
    );
  }

  async #call(action: string, nodeID: string): Promise<unknown> {
    const options = { nodeID, timeout: answerTimeoutMs, retries: 0, caller: gatewayName };
    return this.#broker.call<unknown, object>(action, {}, options).catch(() => undefined);
  }
}

/** The updates of one client. A client that is slow gets only the newest one. */
export class ClusterUpdates extends EventQueue<Cluster> {
  /** All clients of a gateway get the same object. */
  readonly isShared = true;

  constructor(revocation: () => Error | undefined, onEnd: () => void) {
    super({ maxBuffered: 1, overflow: () => undefined, revocation, onEnd });
  }
}
