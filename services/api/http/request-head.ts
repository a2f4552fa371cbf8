import type { IncomingMessage } from "node:http";
import { expectationOf } from "./expectation.ts";
import { HttpError } from "./http-errors.ts";

/**
 * Header fields that a request has at most once. Node uses the first one of several, a proxy may use
 * another one: the two would authorize or route different requests.
 */
const singleFields = ["Host", "Authorization", "Content-Type"];
const singleNames: ReadonlySet<string> = new Set(singleFields.map((name) => name.toLowerCase()));

/** A name or an address, and a port (RFC 9112, 3.2). The name may be empty. */
const hostValue = /^(?:\[[0-9a-z:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*)(?::\d*)?$/i;

/** Returns the error for a request whose HTTP version or header fields are rejected; or undefined. */
export function headFaultOf(req: IncomingMessage): HttpError | undefined {
  // Node's parser also accepts 0.9 and 2.0 in the request line, which are other protocols.
  if (req.httpVersionMajor !== 1) return new HttpError(505, "Send HTTP/1.1.", { isLast: true });
  if (expectationOf(req) === "unknown") {
    return new HttpError(417, "The header Expect can only have the value 100-continue.");
  }
  const fault = faultOfFields(req);
  return fault === undefined ? undefined : new HttpError(400, fault);
}

function faultOfFields({ rawHeaders, headers }: IncomingMessage): string | undefined {
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
