import { commonErrors } from "../../../core/errors.ts";

/** What the gateway limits for each address and in total. */
type Resource =
  "connections" | "requests" | "pipelined" | "pages" | "sockets" | "subscriptions" | "bytes";

/** The exceeded limit: that of the address, or that of the whole gateway. */
export type ExceededLimit = "address" | "gateway";

/** The error of a request that exceeds a limit. */
export function overloadOf(excess: ExceededLimit) {
  const { TOO_MANY_REQUESTS, SERVICE_UNAVAILABLE } = commonErrors;
  if (excess === "gateway") {
    const message = "The gateway is overloaded. Try again later.";
    return { definition: SERVICE_UNAVAILABLE, message, data: {} };
  }
  const message =
    "Your address has too many requests in flight. Wait for their responses, then try again.";
  return { definition: TOO_MANY_REQUESTS, message, data: { retryAfter: 1 } };
}

const mebibyte = 1_048_576;

/**
 * These limits keep the process far below its 256 MB of memory. An idle connection, a request and
 * an idle WebSocket connection take about 10 kB each. `pipelined` are requests that wait behind another
 * one of their connection. `bytes` are buffered for a client: incomplete bodies and messages, and
 * responses that are not complete or that the client has not read.
 */
export const resourceLimits: Readonly<Record<Resource, { perAddress: number; inAll: number }>> = {
  connections: { perAddress: 2_000, inAll: 4_000 },
  requests: { perAddress: 2_000, inAll: 4_000 },
  pipelined: { perAddress: 1_000, inAll: 4_000 },
  pages: { perAddress: 50, inAll: 200 },
  sockets: { perAddress: 1_000, inAll: 3_000 },
  subscriptions: { perAddress: 500, inAll: 5_000 },
  bytes: { perAddress: 8 * mebibyte, inAll: 16 * mebibyte },
};

type Amounts = Record<Resource, number>;

const nothing: Readonly<Amounts> = {
  connections: 0,
  requests: 0,
  pipelined: 0,
  pages: 0,
  sockets: 0,
  subscriptions: 0,
  bytes: 0,
};

/** Counts the resources in use by each address. Addresses are groups: see `addressGroup`. */
export class ResourceUsage {
  readonly #perAddress = new Map<string, Amounts>();
  readonly #inAll: Amounts = { ...nothing };
  readonly rejections: Record<ExceededLimit, number> = { address: 0, gateway: 0 };

  /** Acquires an amount, or returns the limit that it would exceed. */
  acquire(address: string, resource: Resource, amount = 1): ExceededLimit | undefined {
    const { perAddress, inAll } = resourceLimits[resource];
    const used = this.#perAddress.get(address);
    if ((used?.[resource] ?? 0) + amount > perAddress) return this.reject("address");
    if (this.#inAll[resource] + amount > inAll) return this.reject("gateway");
    if (used === undefined) this.#perAddress.set(address, { ...nothing, [resource]: amount });
    else used[resource] += amount;
    this.#inAll[resource] += amount;
    return undefined;
  }

  /** Counts a rejection, and returns the exceeded limit. */
  reject(limit: ExceededLimit): ExceededLimit {
    this.rejections[limit] += 1;
    return limit;
  }

  /** Releases an acquired amount. */
  release(address: string, resource: Resource, amount = 1): void {
    this.#inAll[resource] -= amount;
    const used = this.#perAddress.get(address);
    if (used === undefined) return;
    used[resource] -= amount;
    if (isNothing(used)) this.#perAddress.delete(address);
  }

  /** Returns how much of a resource all addresses use. */
  of(resource: Resource): number {
    return this.#inAll[resource];
  }

  /** The number of addresses that use a resource. */
  get addresses(): number {
    return this.#perAddress.size;
  }
}

function isNothing(amounts: Amounts): boolean {
  return (
    amounts.connections === 0 &&
    amounts.requests === 0 &&
    amounts.pipelined === 0 &&
    amounts.pages === 0 &&
    amounts.sockets === 0 &&
    amounts.subscriptions === 0 &&
    amounts.bytes === 0
  );
}

/** The bytes that the gateway buffers for one request, one response or one WebSocket connection. */
export class HeldBytes {
  readonly #usage: ResourceUsage;
  readonly #address: string;
  #bytes = 0;

  constructor(usage: ResourceUsage, address: string) {
    this.#usage = usage;
    this.#address = address;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Sets the number of bytes. If it exceeds a limit, returns the limit and changes nothing. */
  set(bytes: number): ExceededLimit | undefined {
    // A single response may exceed the limit of an address. Then it is sent alone.
    const counted = Math.min(bytes, resourceLimits.bytes.perAddress);
    const added = counted - this.#bytes;
    if (added === 0) return undefined;
    if (added > 0) {
      const excess = this.#usage.acquire(this.#address, "bytes", added);
      if (excess !== undefined) return excess;
    } else {
      this.#usage.release(this.#address, "bytes", -added);
    }
    this.#bytes = counted;
    return undefined;
  }
}
