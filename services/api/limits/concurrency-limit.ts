/** Requests of one address that are executed at a time: enough for any client, and no crowd before others. */
const placesPerAddress = 100;

interface Address {
  taken: number;
  waiting: (() => void)[];
}

/** Lets some requests of each address be executed at a time; its further ones wait, in their order. */
export class Places {
  readonly #addresses = new Map<string, Address>();

  /** Takes a place; gives a promise where none is free. Each place has to be released. */
  take(group: string): Promise<void> | undefined {
    const address = this.#addresses.get(group);
    if (address === undefined) {
      this.#addresses.set(group, { taken: 1, waiting: [] });
      return undefined;
    }
    if (address.taken < placesPerAddress) {
      address.taken += 1;
      return undefined;
    }
    return new Promise((resolve) => address.waiting.push(resolve));
  }

  /** Gives a place back, or hands it on to the request that waits for longest. */
  release(group: string): void {
    const address = this.#addresses.get(group);
    if (address === undefined) return;
    const next = address.waiting.shift();
    if (next !== undefined) next();
    else if (address.taken > 1) address.taken -= 1;
    else this.#addresses.delete(group);
  }
}
