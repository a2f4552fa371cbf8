/** The encodings of compressed files. */
export type Encoding = "br" | "gzip";

/** Returns the first of the available encodings that an Accept-Encoding header accepts. */
export function encodingOf(
  header: string | undefined,
  available: readonly Encoding[],
): Encoding | undefined {
  const accepted = new Map(
    (header ?? "").split(",").map((element) => {
      const [name = "", ...params] = element
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      return [name, !params.some((param) => /^q=0(?:[.]0*)?$/.test(param))];
    }),
  );
  return available.find((encoding) => accepted.get(encoding) ?? accepted.get("*") ?? false);
}
