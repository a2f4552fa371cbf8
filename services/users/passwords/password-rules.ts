import { readFileSync } from "node:fs";
import { badUserInput } from "../../../core/errors.ts";

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
  const foldedPassword = folded(password);
  const localPart = email.slice(0, email.lastIndexOf("@"));
  if ([email, localPart, username].some((name) => folded(name) === foldedPassword)) {
    throw invalidPassword(field, "is the account's email or name");
  }
  commonPasswords ??= readCommonPasswords();
  if (commonPasswords.has(foldedPassword)) {
    throw invalidPassword(field, "is one of the most common passwords");
  }
}

let commonPasswords: ReadonlySet<string> | undefined;

function readCommonPasswords(): ReadonlySet<string> {
  const file = new URL("common-passwords.txt", import.meta.url);
  return new Set(readFileSync(file, "utf8").split("\n").filter(Boolean).map(folded));
}

function folded(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}

const invalidPassword = (field: string, reason: string) =>
  badUserInput([{ field, message: `The '${field}' ${reason}; choose another one.` }]);
