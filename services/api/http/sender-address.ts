import type { IncomingMessage } from "node:http";
import proxyAddr from "proxy-addr";

/** Says where requests come from. */
export interface SenderAddresses {
  /**
   * The nearest address in X-Forwarded-For that is not one of the trusted proxies, or else whoever
   * has connected.
   */
  of: (req: IncomingMessage) => string;
  isProxy: (address: string) => boolean;
}

export function senderAddresses(trustedProxies: string[]): SenderAddresses {
  if (trustedProxies.length === 0) {
    return { of: ({ socket }) => socket.remoteAddress ?? "", isProxy: () => false };
  }
  const isTrusted = proxyAddr.compile(trustedProxies);
  return {
    of(req) {
      // Who has gone already has no address any more.
      if (req.socket.remoteAddress === undefined) return "";
      return proxyAddr(req, isTrusted);
    },
    isProxy: (address) => isTrusted(address, 0),
  };
}
