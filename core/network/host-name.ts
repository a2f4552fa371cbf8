import { isIP } from "node:net";

const label = String.raw`[\p{L}\p{N}_](?:[\p{L}\p{M}\p{N}_-]{0,61}[\p{L}\p{M}\p{N}_])?`;
const names = new RegExp(String.raw`^(?=.{1,253}\.?$)${label}(?:\.${label})*\.?$`, "u");
/** The system takes a name whose last part is a number for an address: `0` and `0x0` are 0.0.0.0. */
const endsInNumber = /(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i;

/** Returns true for an IPv4 address in four parts, an IPv6 address and a host name. */
export function isHost(text: string): boolean {
  return isIP(text) !== 0 || (names.test(text) && !endsInNumber.test(text));
}
