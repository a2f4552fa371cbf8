import type { User } from "./users.contract.ts";

/** Returns the form in which emails are compared: lower case and normalized. */
export function emailKey(email: string): string {
  return email.normalize("NFKC").toLowerCase();
}

/** Returns the public fields of a stored user. */
export function publicUser({ id, email, username, type }: User): User {
  return { id, email, username, type };
}

/** Masks an email: `a***@example.com`. Hides a text that is not an email completely. */
export function maskedEmail(email: string): string {
  const [, first = "", domain = ""] = /^([^\s@])[^\s@]*(@[^\s@]+\.[^\s@]+)$/u.exec(email) ?? [];
  return `${first}***${domain}`;
}
