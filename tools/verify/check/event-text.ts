/** One text for events of the same type and content, whatever the order of properties and lines. */
export function eventText(type: string, data: Record<string, unknown>): string {
  return `${type} ${canonical(data)}`;
}

/** JSON in which neither the order of an object's keys nor that of a list's members counts. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).sort().join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, part]) => `${key}:${canonical(part)}`).join(",")}}`;
}
