import ipaddr from "ipaddr.js";

/**
 * Returns the address by which rate limits count a caller. A client with one IPv6 address usually
 * controls its whole /64 network, so that network is one caller. An IPv4 address that is mapped
 * into IPv6 counts as the IPv4 address. A text that is no address stays unchanged.
 */
export function addressGroup(address: string): string {
  if (!address.includes(":") || !ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const network = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return `${network.join(":")}::/64`;
}
