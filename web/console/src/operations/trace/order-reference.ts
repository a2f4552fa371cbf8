const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Tells whether a text is the id of an order; otherwise it can be its number. */
export function isOrderId(text: string): boolean {
  return uuid.test(text);
}
