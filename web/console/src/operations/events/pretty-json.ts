/** Formats JSON for people. Returns a text that is no JSON, for example a cut one, as it is. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    // The API cuts long payloads.
    return text;
  }
}
