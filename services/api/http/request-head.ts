import type { IncomingMessage } from "node:http";

/**
 * Header fields that a request has at most once. Node uses the first one of several, a proxy may use
 * another one: the two would authorize or route different requests.
 */
const singleFields = ["Host", "Authorization", "Content-Type"];
const singleNames: ReadonlySet<string> = new Set(singleFields.map((name) => name.toLowerCase()));

/** A name or an address, and a port (RFC 9112, 3.2). The name may be empty. */
const hostValue = /^(?:\[[0-9a-z:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*)(?::\d*)?$/i;

/** Returns why the header fields of a request are invalid, as a sentence; or undefined. */
export function headFaultOf({ rawHeaders, headers }: IncomingMessage): string | undefined {
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? "";
    if (!singleNames.has(name)) continue;
    if (seen.has(name)) {
      const field = singleFields.find((single) => single.toLowerCase() === name);
      return `The request has more than one ${field} header.`;
    }
    seen.add(name);
  }
  if (hostValue.test(headers.host ?? "")) return undefined;
  return "The Host header is no host with an optional port.";
}

/** Matches the authority and the rest of a request target in absolute form. */
const absoluteForm = /^https?:\/\/([^/?#]+)(.*)$/is;

/** Converts a request target in absolute form to origin form (RFC 9112, 3.2.2). */
export function toOriginForm(req: IncomingMessage): void {
  const { url = "" } = req;
  if (url.startsWith("/")) return;
  const [, authority, rest = ""] = absoluteForm.exec(url) ?? [];
  if (authority === undefined) return;
  // The target overrides the Host header.
  req.headers.host = authority;
  req.url = rest.startsWith("/") ? rest : `/${rest}`;
}
