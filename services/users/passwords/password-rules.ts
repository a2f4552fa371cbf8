import { readFileSync } from "node:fs";
import { invalidField } from "../../../core/errors.ts";

/** The account of a password. */
interface Named {
  email: string;
  username: string;
}

/**
 * Throws BAD_USER_INPUT for a password that is easy to guess: one of the most common passwords, or
 * the account's email or name. Ignores case and Unicode composition.
 *
 * @param field the input field of the password
 */
export function assertUncommon(password: string, { email, username }: Named, field: string): void {
  if (isEmailOf(password, email) || isSame(password, username)) {
    throw invalid(field, "is the account's email or name");
  }
  commonPasswords ??= readCommonPasswords();
  if (commonPasswords.has(folded(password))) {
    throw invalid(field, "is one of the most common passwords");
  }
}

/** Throws BAD_USER_INPUT for a new email or username that is the account's password. */
export function assertOtherThanPassword(
  password: string,
  { email, username }: { email?: string | undefined; username?: string | undefined },
): void {
  const reason = "is the account's password";
  if (email !== undefined && isEmailOf(password, email)) throw invalid("email", reason);
  if (username !== undefined && isSame(password, username)) throw invalid("username", reason);
}

function isEmailOf(password: string, email: string): boolean {
  const localPart = email.slice(0, email.lastIndexOf("@"));
  return isSame(password, email) || isSame(password, localPart);
}

function isSame(password: string, name: string): boolean {
  return folded(name) === folded(password);
}

let commonPasswords: ReadonlySet<string> | undefined;

function readCommonPasswords(): ReadonlySet<string> {
  const file = new URL("common-passwords.txt", import.meta.url);
  return new Set(readFileSync(file, "utf8").split("\n").filter(Boolean).map(folded));
}

function folded(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}

const invalid = (field: string, reason: string) =>
  invalidField(field, `The '${field}' ${reason}; choose another one.`);
