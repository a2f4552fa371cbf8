import type { Random } from "../random.ts";

/** Somebody who is signed in. */
export interface Account {
  id: string;
  token: string;
  isAdmin: boolean;
}

/** Orders of which somebody was told, the newest; older ones are left alone. */
const maxRemembered = 400;

export interface ToldOrder {
  id: string;
  owner: Account;
}

/** What the clients know of the shop together. */
export class Market {
  readonly admins: Account[] = [];
  readonly customers: Account[] = [];
  /** A few products that everybody wants. */
  hot: string[] = [];
  /** Many that are ordered now and then. */
  cold: string[] = [];
  readonly #told: ToldOrder[] = [];

  remember(order: ToldOrder): void {
    this.#told.push(order);
    if (this.#told.length > maxRemembered) this.#told.shift();
  }

  someOrder(random: Random): ToldOrder | undefined {
    return this.#told.length === 0 ? undefined : random.pick(this.#told);
  }

  /** Mostly one of the few. */
  someProduct(random: Random, hotShare: number): string {
    return random.pick(random.chance(hotShare) || this.cold.length === 0 ? this.hot : this.cold);
  }
}
