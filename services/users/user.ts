import type { User } from "./users.contract.ts";

/** The form emails are compared in: without case, in one Unicode normalization. */
export function emailKey(email: string): string {
  return email.normalize("NFKC").toLowerCase();
}

/** What others may see of a stored user. */
export function publicUser({ id, email, username, type }: User): User {
  return { id, email, username, type };
}

/** An email as far as whoever knows it recognises it: `a***@example.com`. What is none stays hidden. */
export function maskedEmail(email: string): string {
  const [, first = "", domain = ""] = /^([^\s@])[^\s@]*(@[^\s@]+\.[^\s@]+)$/u.exec(email) ?? [];
  return `${first}***${domain}`;
}
