import ipaddr from "ipaddr.js";

/**
 * The address by which a caller is counted. A client with one IPv6 address usually has the whole
 * /64 network, so that network is one caller. An IPv4 address that is mapped into IPv6 is the IPv4
 * address. A text that is no address stays as it is.
 */
export function addressGroup(address: string): string {
  if (!address.includes(":") || !ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const network = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return `${network.join(":")}::/64`;
}
