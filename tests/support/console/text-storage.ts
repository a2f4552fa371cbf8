import type { TextStorage } from "../../../web/console/src/api/storage.ts";

/** A `localStorage` in memory. */
export function textStorage(): TextStorage {
  const texts = new Map<string, string>();
  return {
    getItem: (key) => texts.get(key) ?? null,
    setItem(key, value) {
      texts.set(key, value);
    },
    removeItem(key) {
      texts.delete(key);
    },
  };
}
