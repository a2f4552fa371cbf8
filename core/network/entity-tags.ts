/** A list of entity tags (RFC 9110, 8.8.3), each of which may be marked as weak. */
const tag = String.raw`(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"`;
const list = new RegExp(String.raw`^[\t ,]*${tag}(?:[\t ]*,[\t ,]*${tag})*[\t ,]*$`);
const tags = new RegExp(tag, "g");

/**
 * Returns true if the client has a response already, by its If-None-Match header and the strong tag
 * of the response (RFC 9110, 13.1.2). A header that is no list of tags is ignored.
 */
export function hasCurrent(header: string | undefined, current: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  if (!list.test(header)) return false;
  return [...header.matchAll(tags)].some(([found]) => found.replace(/^W\//, "") === current);
}
