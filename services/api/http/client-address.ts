import type { IncomingMessage } from "node:http";
import proxyAddr from "proxy-addr";

/** Determines the client addresses of requests. */
export interface ClientAddresses {
  /**
   * Returns the last address in X-Forwarded-For that is not a trusted proxy, or else the address of
   * the connection.
   */
  of: (req: IncomingMessage) => string;
  isProxy: (address: string) => boolean;
}

export function clientAddresses(trustedProxies: string[]): ClientAddresses {
  if (trustedProxies.length === 0) {
    return { of: ({ socket }) => socket.remoteAddress ?? "", isProxy: () => false };
  }
  const isTrusted = proxyAddr.compile(trustedProxies);
  return {
    of(req) {
      // A closed connection has no address.
      if (req.socket.remoteAddress === undefined) return "";
      return proxyAddr(req, isTrusted);
    },
    isProxy: (address) => isTrusted(address, 0),
  };
}
