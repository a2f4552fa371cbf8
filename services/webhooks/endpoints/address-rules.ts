import { promises as dns, type LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";

/** Which addresses webhooks are sent to. */
export interface AddressRules {
  allowHttp: boolean;
  /** Allows addresses that are not public. */
  allowPrivate: boolean;
}

/** Returns the addresses of a host name. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

/** The connection was not opened, because an address of the host is not public. */
export class ForbiddenAddressError extends Error {
  override readonly name = "ForbiddenAddressError";
}

/** Global unicast. All other IPv6 networks are local, reserved, or lead to IPv4 addresses. */
const publicIpv6 = ipaddr.IPv6.parseCIDR("2000::/3");

/** Returns true for an address of the public internet. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  // An IPv4 address that is mapped into IPv6 becomes an IPv4 address.
  const parsed = ipaddr.process(address);
  if (parsed.range() !== "unicast") return false;
  return parsed instanceof ipaddr.IPv4 || parsed.match(publicIpv6);
}

/** Returns the host of a URL as `node:net` knows it: an IPv6 address without brackets. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** Returns why webhooks are not sent to a URL, as a part of a sentence; undefined for a valid one. */
export function faultOfUrl(text: string, rules: AddressRules): string | undefined {
  const url = URL.parse(text);
  const protocols = rules.allowHttp ? ["https:", "http:"] : ["https:"];
  if (url === null || !protocols.includes(url.protocol)) {
    return `must be a URL that begins with ${protocols.join("// or ")}//.`;
  }
  if (url.username !== "" || url.password !== "") return "must not contain credentials.";
  if (url.hash !== "") return "must not contain a fragment.";
  const isForbidden = isIP(hostOf(url)) !== 0 && !isPublicAddress(hostOf(url));
  return isForbidden && !rules.allowPrivate
    ? "must not name an address that is not public."
    : undefined;
}

const resolver = new dns.Resolver({ timeout: 2_000, tries: 2 });

/**
 * Resolves a name by DNS. `dns.lookup` would also read the hosts file, but it uses a few threads of
 * the process: slow names of one endpoint would delay the others.
 */
const resolvePublic: Resolve = async (hostname) => {
  const [v4, v6] = await Promise.allSettled([
    resolver.resolve4(hostname),
    resolver.resolve6(hostname),
  ]);
  if (v4.status === "rejected" && v6.status === "rejected") throw v4.reason;
  const addressesOf = (result: PromiseSettledResult<string[]>, family: 4 | 6) =>
    result.status === "fulfilled" ? result.value.map((address) => ({ address, family })) : [];
  return [...addressesOf(v4, 4), ...addressesOf(v6, 6)];
};

/** Private names are often known to the hosts file or the search domains only. */
const resolvePrivate: Resolve = (hostname) => dns.lookup(hostname, { all: true });

export function resolveFor({ allowPrivate }: AddressRules): Resolve {
  return allowPrivate ? resolvePrivate : resolvePublic;
}

/**
 * Returns a `lookup` for connections that fails if an address of the name is not public. The
 * connection uses the addresses that were checked, so that a name cannot change in between.
 */
export function checkedLookup({ allowPrivate }: AddressRules, resolve: Resolve): LookupFunction {
  return (hostname, { all }, callback) => {
    const checked = resolve(hostname).then((addresses) => {
      const [first] = addresses;
      if (first === undefined) throw new Error(`${hostname} has no address`);
      if (!allowPrivate && !addresses.every(({ address }) => isPublicAddress(address))) {
        throw new ForbiddenAddressError("the host has an address that is not public");
      }
      return { addresses, first };
    });
    checked.then(
      ({ addresses, first }) => {
        if (all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => {
        callback(error as Error, "");
      },
    );
  };
}
