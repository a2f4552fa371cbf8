/**
 * Returns the options of an LRU cache with a maximum number of entries. With its option `max`, the
 * cache allocates all entries at once: 24 bytes each.
 */
export function atMost(entries: number): { maxSize: number; sizeCalculation: () => number } {
  return { maxSize: entries, sizeCalculation: () => 1 };
}
