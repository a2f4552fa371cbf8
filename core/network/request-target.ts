import type { IncomingMessage } from "node:http";

/** Returns the path in the URL of a request. */
export function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
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
