/** Browsers send about 120. */
const maxCharacters = 200;

/**
 * Returns what a client says of itself in its header User-Agent, in one line of at most 200
 * characters. Any client can send any text: it is only shown. Undefined without a text.
 */
export function userAgentOf(header: string | undefined): string | undefined {
  const text = (header ?? "").slice(0, maxCharacters);
  const line = text.replace(/[\p{C}\s]+/gu, " ").trim();
  return line === "" ? undefined : line;
}
