import { domainToUnicode } from "node:url";
import { userType } from "../../core/access.ts";
import { timeOfId } from "../../core/ids/ids.ts";
import type { User } from "./users.contract.ts";

/** The columns of a user that become a `User`. */
export interface StoredUser extends Omit<User, "updatedAt" | "mayOperate"> {
  /** Without effect unless the user is an admin. */
  may_operate: boolean;
  /** Null for an account that has not changed. */
  updated_at: Date | null;
}

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

/** Returns the public fields of a stored user. */
export function publicUser(stored: StoredUser): User {
  const { id, email, username, type, may_operate, updated_at } = stored;
  const mayOperate = type === userType.admin && may_operate;
  const updatedAt = updated_at?.toISOString() ?? timeOfId(id);
  return { id, email, username, type, mayOperate, updatedAt };
}

/** Masks an email: `a***@example.com`. Hides a text that is not an email completely. */
export function maskedEmail(email: string): string {
  const [, first = "", domain = ""] = /^([^\s@])[^\s@]*(@[^\s@]+\.[^\s@]+)$/u.exec(email) ?? [];
  return `${first}***${domain}`;
}
