import type { Random } from "../random.ts";

/** A signed-in user. */
export interface Account {
  id: string;
  token: string;
  isAdmin: boolean;
}

/** Only the newest orders are read, cancelled, shipped and completed. */
const maxOrders = 400;

/** An order that was acknowledged to a client. */
export interface AcknowledgedOrder {
  id: string;
  owner: Account;
}

/** The accounts, products and orders that the clients share. */
export class Market {
  readonly admins: Account[] = [];
  readonly customers: Account[] = [];
  /** A few products that are ordered often. */
  hot: string[] = [];
  /** Many products that are ordered rarely. */
  cold: string[] = [];
  readonly #orders: AcknowledgedOrder[] = [];
  readonly #versions = new Map<string, number>();
  readonly #prices = new Map<string, number>();
  readonly #shippedOrders: string[] = [];

  addOrder(order: AcknowledgedOrder): void {
    this.#orders.push(order);
    if (this.#orders.length > maxOrders) this.#orders.shift();
  }

  saw({ id, version, price }: { id: string; version: number; price: number }): void {
    if (version < this.versionOf(id)) return;
    this.#versions.set(id, version);
    this.#prices.set(id, price);
  }

  /** Returns the newest version that a client has seen. The product may have a newer one. */
  versionOf(productId: string): number {
    return this.#versions.get(productId) ?? 1;
  }

  /** Returns the newest price that a client has read. The product may have another one. */
  priceOf(productId: string): number | undefined {
    return this.#prices.get(productId);
  }

  someOrder(random: Random): AcknowledgedOrder | undefined {
    return this.#orders.length === 0 ? undefined : random.pick(this.#orders);
  }

  addShippedOrder(id: string): void {
    this.#shippedOrders.push(id);
    if (this.#shippedOrders.length > maxOrders) this.#shippedOrders.shift();
  }

  someShippedOrder(random: Random): string | undefined {
    return this.#shippedOrders.length === 0 ? undefined : random.pick(this.#shippedOrders);
  }

  /** Picks a hot product with this probability, otherwise a cold one. */
  someProduct(random: Random, hotShare: number): string {
    return random.pick(random.chance(hotShare) || this.cold.length === 0 ? this.hot : this.cold);
  }
}
