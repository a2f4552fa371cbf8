/** The part of `localStorage` that the console needs. */
export interface TextStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Reads a stored value. Returns undefined if there is none, or if it is not of this version. */
export function readStored<Value>(
  storage: TextStorage,
  key: string,
  isValid: (value: unknown) => value is Value,
): Value | undefined {
  const text = storage.getItem(key);
  if (text === null) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isValid(value) ? value : undefined;
  } catch {
    // Another version of the console, or a user, has written it.
    return undefined;
  }
}
