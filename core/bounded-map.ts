/**
 * A map that forgets what was not used for longest when its entries are larger than `maxSize`
 * together. Each entry has the size 1 unless `sizeOf` says more.
 */
export class BoundedMap<Key, Value> {
  readonly #maxSize: number;
  readonly #sizeOf: (value: Value, key: Key) => number;
  readonly #entries = new Map<Key, Value>();
  #size = 0;

  constructor(maxSize: number, sizeOf: (value: Value, key: Key) => number = () => 1) {
    this.#maxSize = maxSize;
    this.#sizeOf = sizeOf;
  }

  /** Whether there is an entry, which does not count as its use. */
  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  get(key: Key): Value | undefined {
    const value = this.#entries.get(key);
    // A Map keeps the order of insertion: what is used goes to the end, once that begins to matter.
    if (value !== undefined && this.#size > this.#maxSize / 2) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  /** Keeps a value, unless it alone is larger than all entries may be. */
  set(key: Key, value: Value): void {
    this.delete(key);
    this.#entries.set(key, value);
    this.#size += this.#sizeOf(value, key);
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#maxSize) return;
      this.delete(oldest);
    }
  }

  delete(key: Key): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#size -= this.#sizeOf(value, key);
  }
}
