import { invisible } from "./invisible.ts";

/** Letters, digits and signs that need no quotes, of any script (RFC 5322, 3.2.3; RFC 6531). */
const atom = String.raw`[[\w!#$%&'*+\/=?^\`\{\|\}~\-\p{L}\p{M}\p{N}\p{So}]--[${invisible}]]`;
const letter = String.raw`[[\p{L}\p{N}]--[${invisible}]]`;
const inner = String.raw`[[\-\p{L}\p{M}\p{N}]--[${invisible}]]`;
const label = `${letter}(?:${inner}{0,61}${inner}(?<!-))?`;

/**
 * Matches an email address to which a mailer can send: a local part of at most 64 characters without
 * quotes, and the name of a host with a dot, not an IP address. It takes linear time, and rejects long
 * texts first.
 */
export const emailPattern = new RegExp(
  String.raw`^(?![^]{255})(?=[^@]{1,64}@)${atom}+(?:\.${atom}+)*@${label}(?:\.${label})*\.(?!\p{N}+$)${label}$`,
  "v",
);
