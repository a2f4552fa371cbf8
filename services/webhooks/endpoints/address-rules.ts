import { promises as dns, type LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { maxUrlLength } from "../webhooks.contract.ts";

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

/** A URL, or why webhooks are not sent to it, as a part of a sentence. */
export type CheckedUrl = { url: URL; fault?: never } | { url?: never; fault: string };

/** The beginning of a URL with a host. The parser also accepts other numbers of slashes. */
const beginningOfUrl = /^https?:\/\/(?<authority>[^/\\?#]+)/i;
// eslint-disable-next-line no-control-regex -- the parser removes some of them silently
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Checks the text of a new URL. In addition to `checkUrl`, rejects texts that the parser of URLs
 * (WHATWG) would correct: they are more likely mistakes.
 */
export function checkNewUrl(text: string, rules: AddressRules): CheckedUrl {
  if (controlCharacter.test(text) || text.trim() !== text) {
    return { fault: "must not contain control characters, nor blanks at its ends." };
  }
  const authority = beginningOfUrl.exec(text)?.groups?.authority;
  if (authority === undefined) return { fault: wrongBeginning(rules) };
  if (authority.includes("@")) return { fault: "must not contain credentials." };
  if (text.includes("#")) return { fault: "must not contain a fragment." };
  const checked = checkUrl(text, rules);
  const isTooLong = checked.url !== undefined && checked.url.href.length > maxUrlLength;
  return isTooLong ? { fault: `must be at most ${maxUrlLength} characters, encoded.` } : checked;
}

/** Checks a stored URL, because the settings may have changed. */
export function checkUrl(text: string, rules: AddressRules): CheckedUrl {
  const url = URL.parse(text);
  if (url === null || !protocolsOf(rules).includes(url.protocol)) {
    return { fault: wrongBeginning(rules) };
  }
  if (url.username !== "" || url.password !== "") return { fault: "must not contain credentials." };
  if (url.hash !== "") return { fault: "must not contain a fragment." };
  if (url.port === "0") return { fault: "must not have the port 0." };
  const isAddress = isIP(hostOf(url)) !== 0;
  if (!isAddress && !isHostName(url.hostname)) {
    return { fault: "must have a valid host name." };
  }
  const isPublic = isAddress ? isPublicAddress(hostOf(url)) : !localName.test(url.hostname);
  return !rules.allowPrivate && !isPublic ? { fault: "must name a public address." } : { url };
}

/** Names of the machine itself, whatever DNS answers (RFC 6761). */
const localName = /(?:^|\.)localhost\.?$/;

function protocolsOf({ allowHttp }: AddressRules): string[] {
  return allowHttp ? ["https:", "http:"] : ["https:"];
}

function wrongBeginning(rules: AddressRules): string {
  return `must be a URL that begins with ${protocolsOf(rules).join("// or ")}//.`;
}

/** Returns true for a name that DNS can contain. It may end with a dot. */
function isHostName(hostname: string): boolean {
  const name = hostname.replace(/\.$/, "");
  const isLabel = (label: string) => label.length > 0 && label.length <= 63;
  return name.length <= 253 && name.split(".").every(isLabel);
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
      if (first === undefined) {
        throw Object.assign(new Error(`${hostname} has no address`), { code: "ENODATA" });
      }
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
