import { domainToUnicode } from "node:url";

/**
 * Returns the form in which emails are compared: lower case, normalized, and with a Unicode domain.
 * Browsers send a domain that was typed in Unicode in its ASCII form (`xn--…`).
 */
export function emailKey(email: string): string {
  const text = plainKey(email);
  const domainAt = text.lastIndexOf("@") + 1;
  const domain = text.slice(domainAt);
  if (!domain.includes("xn--")) return text;
  return text.slice(0, domainAt) + (domainToUnicode(domain) || domain);
}

/** Returns the keys of an account: version 1.0 kept the ASCII form of a domain. */
export function emailKeys(email: string): string[] {
  return [...new Set([emailKey(email), plainKey(email)])];
}

function plainKey(email: string): string {
  return email.normalize("NFKC").toLowerCase();
}
