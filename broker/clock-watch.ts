import type { ServiceBroker } from "moleculer";
import {
  ClockDifference,
  clockDifferenceHelp,
  clockDifferenceMetric,
  isExact,
} from "../core/clock/clock-difference.ts";
import { instrumentsOf } from "../core/metrics/instruments.ts";

const compareEveryMs = 10_000;
/** Enough to tell whose clock is wrong, also in a cluster of a hundred nodes. */
const maxAsked = 5;

/** Moleculer's event after the answer to a ping. Its times are those of `Date.now`. */
interface Pong {
  nodeID: string;
  elapsedTime: number;
  /** How far this node is ahead. */
  timeDiff: number;
}

/**
 * Compares the clock of this node with those of the other nodes, by Moleculer's pings. Counts the
 * median: one other node with a wrong clock does not make this one's look wrong.
 */
export class ClockWatch {
  readonly #broker: ServiceBroker;
  readonly #difference: ClockDifference;
  readonly #aheadMs = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(broker: ServiceBroker, everyMs = compareEveryMs) {
    this.#broker = broker;
    this.#difference = new ClockDifference(broker, "those of the other nodes", "nodes");
    broker.localBus.on("$node.pong", ({ nodeID, elapsedTime, timeDiff }: Pong) => {
      if (isExact({ differenceMs: timeDiff, elapsedMs: elapsedTime })) {
        this.#aheadMs.set(nodeID, timeDiff);
      }
    });
    broker.localBus.on("$node.connected", ({ node }: { node: { id: string } }) => {
      this.#ask(node.id);
    });
    broker.localBus.on("$node.disconnected", ({ node }: { node: { id: string } }) => {
      this.#aheadMs.delete(node.id);
    });
    instrumentsOf(broker).read("the clocks of the nodes", {
      metrics: { [clockDifferenceMetric]: clockDifferenceHelp },
      read: () => this.#difference.readings(),
    });
    this.#timer = setInterval(() => {
      this.#compare();
    }, everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Judges the answers so far, and asks again. */
  #compare(): void {
    this.#difference.record(medianOf([...this.#aheadMs.values()]));
    const { nodes } = this.#broker.registry;
    const others = nodes.toArray().filter(({ local, available }) => !local && available);
    // A random part of them, so that each node is asked by some others.
    const first = Math.floor(Math.random() * others.length);
    const asked = [...others.slice(first), ...others.slice(0, first)].slice(0, maxAsked);
    for (const { id } of asked) this.#ask(id);
  }

  #ask(nodeID: string): void {
    if (this.#broker.transit?.tx.connected === true) void this.#broker.transit.sendPing(nodeID);
  }
}

/** Returns the median, of two middle values the one closer to 0; undefined without values. */
export function medianOf(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const low = sorted[Math.ceil(sorted.length / 2) - 1];
  const high = sorted[Math.floor(sorted.length / 2)];
  if (low === undefined || high === undefined) return undefined;
  return Math.abs(low) <= Math.abs(high) ? low : high;
}
