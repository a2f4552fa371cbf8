import type { IncomingMessage } from "node:http";
import proxyAddr from "proxy-addr";

/**
 * Makes the function that says where a request comes from: the nearest address in X-Forwarded-For
 * that is not one of the trusted proxies, or else whoever has connected.
 */
export function senderAddress(trustedProxies: string[]): (req: IncomingMessage) => string {
  if (trustedProxies.length === 0) return ({ socket }) => socket.remoteAddress ?? "";
  const isTrusted = proxyAddr.compile(trustedProxies);
  return (req) => {
    // Who has gone already has no address any more.
    if (req.socket.remoteAddress === undefined) return "";
    return proxyAddr(req, isTrusted);
  };
}
