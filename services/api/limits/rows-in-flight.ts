import { Room, type RoomSize } from "./room.ts";

/** A list of this length takes one call. */
const maxShortRows = 100;

/**
 * The largest row, a product with a long description, takes 6 kB in a message and 4 kB in memory. A
 * longer list than `perAddress` counts as that.
 */
const ofShortLists: RoomSize = { perAddress: 300, inAll: 500 };
const ofLongLists: RoomSize = { perAddress: 500, inAll: 1_000 };
/** A scan counts as one row: half of the connections of a service remain for other statements. */
const ofScans: RoomSize = { perAddress: 2, inAll: 5 };

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
    if (size === "scan") return this.#scans.within(group, 1, list);
    return (size <= maxShortRows ? this.#short : this.#long).within(group, size, list);
  }
}

/** Returns the size of a list that skips rows. */
export function sizeOf(limit: number, offset: number): ListSize {
  return limit <= maxShortRows && offset >= longOffset ? "scan" : limit;
}
