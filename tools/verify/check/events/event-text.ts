/** Returns a text that is equal for events of the same type and data, in any order of properties and lines. */
export function eventText(type: string, data: Record<string, unknown>): string {
  return `${type} ${canonical(data)}`;
}

/** Returns a JSON-like text that ignores the order of keys and of list items. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).sort().join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, part]) => `${key}:${canonical(part)}`).join(",")}}`;
}
