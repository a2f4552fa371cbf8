/**
 * Rows of lists that the gateway reads at a time. The largest row, a product with a long description,
 * takes 6 kB in a message and 4 kB in memory. A longer list counts as `perAddress` rows.
 */
const maxRows = { perAddress: 500, inAll: 1_000 };

interface Address {
  /** Rows that are read. */
  rows: number;
  /** Lists that wait, in order of arrival. */
  waiting: { rows: number; start: () => void }[];
}

/**
 * Limits the rows of the lists that are read at a time, which are in memory until they are part of a
 * response. Further lists wait. Addresses take turns, so that one does not delay the others.
 */
export class RowsInFlight {
  readonly #addresses = new Map<string, Address>();
  /** Addresses with lists that wait, in the order of their turns. */
  readonly #waiting = new Map<string, Address>();
  #rows = 0;
  /** Whether a list waits although its address has room: later lists must not take what it needs. */
  #isFull = false;

  /** Reads a list of at most `asked` rows for an address when there is room for them. */
  async read<Result>(group: string, asked: number, list: () => Promise<Result>): Promise<Result> {
    // The service rejects a wrong number.
    const rows = Math.min(Math.max(0, asked), maxRows.perAddress);
    const address = this.#addresses.get(group) ?? { rows: 0, waiting: [] };
    this.#addresses.set(group, address);
    const fits = address.rows + rows <= maxRows.perAddress && this.#rows + rows <= maxRows.inAll;
    if (fits && !this.#isFull && address.waiting.length === 0) this.#take(address, rows);
    else {
      await new Promise<void>((start) => {
        address.waiting.push({ rows, start });
        this.#waiting.set(group, address);
        this.#startWaiting();
      });
    }
    try {
      return await list();
    } finally {
      this.#take(address, -rows);
      if (address.rows === 0 && address.waiting.length === 0) this.#addresses.delete(group);
      this.#startWaiting();
    }
  }

  #startWaiting(): void {
    this.#isFull = false;
    while (this.#startNext());
  }

  #take(address: Address, rows: number): void {
    address.rows += rows;
    this.#rows += rows;
  }

  /** Starts the first waiting list whose address has room. Returns false if there is none, or no room. */
  #startNext(): boolean {
    for (const [group, address] of this.#waiting) {
      const [next] = address.waiting;
      if (next === undefined || address.rows + next.rows > maxRows.perAddress) continue;
      this.#isFull = this.#rows + next.rows > maxRows.inAll;
      if (this.#isFull) return false;
      address.waiting.shift();
      this.#take(address, next.rows);
      this.#waiting.delete(group);
      if (address.waiting.length > 0) this.#waiting.set(group, address);
      next.start();
      return true;
    }
    return false;
  }
}
