/** What the gateway has under way, and so bounds: for each address, and for all together. */
type Resource = "connections" | "requests" | "pages" | "sockets" | "subscriptions" | "bytes";

/** Whose bound is reached: that of an address, or that of the whole gateway. */
export type ExceededLimit = "address" | "gateway";

const mebibyte = 1_048_576;

/**
 * They keep the process far below its 256 MB of memory. An idle connection takes some 10 kB, a
 * request or an idle WebSocket connection about as much. `bytes` are those that the gateway holds
 * for a client: bodies and messages on their way in, and answers that are not read.
 */
export const resourceLimits: Readonly<Record<Resource, { perAddress: number; inAll: number }>> = {
  connections: { perAddress: 2_000, inAll: 4_000 },
  requests: { perAddress: 2_000, inAll: 4_000 },
  pages: { perAddress: 50, inAll: 200 },
  sockets: { perAddress: 1_000, inAll: 3_000 },
  subscriptions: { perAddress: 500, inAll: 5_000 },
  bytes: { perAddress: 8 * mebibyte, inAll: 32 * mebibyte },
};

type Amounts = Record<Resource, number>;

const nothing: Readonly<Amounts> = {
  connections: 0,
  requests: 0,
  pages: 0,
  sockets: 0,
  subscriptions: 0,
  bytes: 0,
};

/** Counts what each address has under way. Addresses are given as groups: see `addressGroup`. */
export class ResourceUsage {
  readonly #perAddress = new Map<string, Amounts>();
  readonly #inAll: Amounts = { ...nothing };

  /** Takes an amount, or gives the bound that has no room for it. */
  acquire(address: string, resource: Resource, amount = 1): ExceededLimit | undefined {
    const { perAddress, inAll } = resourceLimits[resource];
    const own = this.#perAddress.get(address);
    if ((own?.[resource] ?? 0) + amount > perAddress) return "address";
    if (this.#inAll[resource] + amount > inAll) return "gateway";
    if (own === undefined) this.#perAddress.set(address, { ...nothing, [resource]: amount });
    else own[resource] += amount;
    this.#inAll[resource] += amount;
    return undefined;
  }

  /** Gives back what was taken. */
  release(address: string, resource: Resource, amount = 1): void {
    this.#inAll[resource] -= amount;
    const own = this.#perAddress.get(address);
    if (own === undefined) return;
    own[resource] -= amount;
    if (isNothing(own)) this.#perAddress.delete(address);
  }

  /** How much of a resource is taken by all. */
  of(resource: Resource): number {
    return this.#inAll[resource];
  }

  /** How many addresses have something under way. */
  get addresses(): number {
    return this.#perAddress.size;
  }
}

function isNothing(amounts: Amounts): boolean {
  return (
    amounts.connections === 0 &&
    amounts.requests === 0 &&
    amounts.pages === 0 &&
    amounts.sockets === 0 &&
    amounts.subscriptions === 0 &&
    amounts.bytes === 0
  );
}

/** The bytes that the gateway holds for one request or one WebSocket connection. */
export class HeldBytes {
  readonly #load: ResourceUsage;
  readonly #address: string;
  #bytes = 0;

  constructor(load: ResourceUsage, address: string) {
    this.#load = load;
    this.#address = address;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Says how many they are now. Gives the bound that has no room for so many, and keeps those before. */
  set(bytes: number): ExceededLimit | undefined {
    // One answer may be larger than all that an address may have; it goes out alone then.
    const counted = Math.min(bytes, resourceLimits.bytes.perAddress);
    const more = counted - this.#bytes;
    if (more === 0) return undefined;
    if (more > 0) {
      const excess = this.#load.acquire(this.#address, "bytes", more);
      if (excess !== undefined) return excess;
    } else {
      this.#load.release(this.#address, "bytes", -more);
    }
    this.#bytes = counted;
    return undefined;
  }
}
