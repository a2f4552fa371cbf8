/** Rows that are read at a time, for one address and for all. */
interface MaxRows {
  perAddress: number;
  inAll: number;
}

/** A list of this length takes one call. */
const maxShortRows = 100;

/**
 * The largest row, a product with a long description, takes 6 kB in a message and 4 kB in memory. A
 * longer list than `perAddress` counts as that.
 */
const ofShortLists: MaxRows = { perAddress: 400, inAll: 1_000 };
const ofLongLists: MaxRows = { perAddress: 500, inAll: 1_000 };
/** A scan counts as one row: half of the connections of a service remain for other statements. */
const ofScans: MaxRows = { perAddress: 2, inAll: 5 };

/** An offset from which a list counts as a scan. */
const longOffset = 10_000;

/** The most rows of a list, or "scan" for a short one for which PostgreSQL may read many rows. */
export type ListSize = number | "scan";

/**
 * Limits the rows of the lists that the gateway reads at a time, which are in memory until they are
 * part of a response. Short lists do not wait for long ones, or for scans.
 */
export class RowsInFlight {
  readonly #short = new Room(ofShortLists);
  readonly #long = new Room(ofLongLists);
  readonly #scans = new Room(ofScans);

  /** Reads a list for an address when there is room for its rows. */
  read<Result>(group: string, size: ListSize, list: () => Promise<Result>): Promise<Result> {
    if (size === "scan") return this.#scans.read(group, 1, list);
    return (size <= maxShortRows ? this.#short : this.#long).read(group, size, list);
  }
}

/** Returns the size of a list that skips rows. */
export function sizeOf(limit: number, offset: number): ListSize {
  return limit <= maxShortRows && offset >= longOffset ? "scan" : limit;
}

interface Address {
  /** Rows that are read. */
  rows: number;
  /** Lists that are read or wait. */
  lists: number;
  /** Lists that wait, in order of arrival. */
  waiting: { rows: number; start: () => void }[];
}

/** Lists beyond a maximum of rows wait. Addresses take turns, so that one does not delay the others. */
class Room {
  readonly #max: MaxRows;
  readonly #addresses = new Map<string, Address>();
  /** Addresses with lists that wait, in the order of their turns. */
  readonly #waiting = new Map<string, Address>();
  #rows = 0;
  /** Whether a list waits although its address has room: later lists must not take what it needs. */
  #isFull = false;

  constructor(max: MaxRows) {
    this.#max = max;
  }

  async read<Result>(group: string, asked: number, list: () => Promise<Result>): Promise<Result> {
    const { perAddress, inAll } = this.#max;
    // The service rejects a wrong number.
    const rows = Math.min(Math.max(1, asked), perAddress);
    const address = this.#addresses.get(group) ?? { rows: 0, lists: 0, waiting: [] };
    this.#addresses.set(group, address);
    address.lists += 1;
    const fits = address.rows + rows <= perAddress && this.#rows + rows <= inAll;
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
      address.lists -= 1;
      if (address.lists === 0) this.#addresses.delete(group);
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
      if (next === undefined || address.rows + next.rows > this.#max.perAddress) continue;
      this.#isFull = this.#rows + next.rows > this.#max.inAll;
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
