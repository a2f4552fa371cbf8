/** A string with the colon behind it if it is a name, or a bracket. */
const tokens = /"(?:[^"\\]|\\.)*"\s*:?|[{}[\]]/g;

/**
 * Returns a field that valid JSON of an object gives twice; undefined if there is none. `JSON.parse`
 * uses the last value, which need not be the one that is meant.
 */
export function repeatedFieldOf(json: string): string | undefined {
  const names = new Set<string>();
  let depth = 0;
  for (const [token] of json.matchAll(tokens)) {
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    else if (depth === 1 && token.endsWith(":")) {
      const name = JSON.parse(token.slice(0, -1)) as string;
      if (names.has(name)) return name;
      names.add(name);
    }
  }
  return undefined;
}
