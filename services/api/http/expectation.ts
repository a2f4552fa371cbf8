import type { IncomingMessage } from "node:http";

/** The pattern of Node's HTTP server. */
const continuePattern = /(?:^|\W)100-continue(?:$|\W)/i;

/**
 * Returns what the header Expect asks for: "continue" if the client waits for 100 Continue before it
 * sends the body. HTTP/1.0 has no such header.
 */
export function expectationOf(req: IncomingMessage): "continue" | "unknown" | undefined {
  const { expect } = req.headers;
  if (expect === undefined || req.httpVersion !== "1.1") return undefined;
  return continuePattern.test(expect) ? "continue" : "unknown";
}
