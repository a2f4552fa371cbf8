const uuid = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;

/** Returns true for a text that has the form of an id of the shop. */
export function isId(text: string): boolean {
  return uuid.test(text);
}
