/** The encodings of compressed files. */
export type Encoding = "br" | "gzip";

/**
 * Returns the one of the available encodings that an Accept-Encoding header prefers (RFC 9110, 12.5.3):
 * of several with the same quality, the first one. Undefined stands for a file that is not compressed.
 */
export function encodingOf(
  header: string | undefined,
  available: readonly Encoding[],
): Encoding | undefined {
  const qualities = new Map((header ?? "").toLowerCase().split(",").map(qualityOf));
  const qualityFor = (name: string) => qualities.get(name) ?? qualities.get("*") ?? 0;
  const [best] = available.toSorted((a, b) => qualityFor(b) - qualityFor(a));
  if (best === undefined || qualityFor(best) === 0) return undefined;
  return qualityFor(best) < (qualities.get("identity") ?? 0) ? undefined : best;
}

function qualityOf(element: string): [name: string, quality: number] {
  const [name = "", ...params] = element.split(";").map((part) => part.trim());
  const [, weight = "1"] = params.map((param) => /^q\s*=\s*(.*)$/.exec(param)).find(Boolean) ?? [];
  return [name, Number(weight) || 0];
}
