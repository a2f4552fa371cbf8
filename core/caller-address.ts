import { isIPv6 } from "node:net";

/** An IPv4 address inside IPv6, in the form that a URL gives it: `::ffff:c000:201`. */
const mappedForm = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * The address by which a caller is counted: whoever has one IPv6 address has the 2^64 around it,
 * too, so these are one caller; IPv4 in IPv6's clothes is IPv4. What is no address stays as it is.
 */
export function addressGroup(address: string): string {
  if (!address.includes(":")) return address;
  // As a server that listens on both kinds of addresses sees each IPv4 address.
  const [, ipv4] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? [];
  if (ipv4 !== undefined) return ipv4;
  const [plain = ""] = address.split("%");
  if (!isIPv6(plain)) return address;
  // In its shortest form, whichever it came in.
  const short = new URL(`http://[${plain}]`).hostname.slice(1, -1);
  const mapped = mappedForm.exec(short);
  if (mapped !== null) return ipv4Of(mapped.slice(1).map((part) => parseInt(part, 16)));
  return `${parts(short).slice(0, 4).join(":")}::/64`;
}

function ipv4Of([high = 0, low = 0]: number[]): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** The eight parts of an address, of which "::" leaves out those that are zero. */
function parts(short: string): string[] {
  const [before = [], after = []] = short
    .split("::")
    .map((side) => (side === "" ? [] : side.split(":")));
  const zeros = Array<string>(8 - before.length - after.length).fill("0");
  return [...before, ...zeros, ...after];
}
