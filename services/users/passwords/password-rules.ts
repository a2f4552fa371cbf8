import { readFileSync } from "node:fs";
import { badUserInput } from "../../../core/errors.ts";

/** The account that a password is for. */
interface Named {
  email: string;
  username: string;
}

/**
 * Refuses, with BAD_USER_INPUT, a password that would be guessed first: one of the most common ones,
 * or the account's own name. Case does not count, and neither does how letters are composed.
 *
 * @param field the input's field that the password stands in
 */
export function assertUncommon(password: string, { email, username }: Named, field: string): void {
  const written = folded(password);
  const localPart = email.slice(0, email.lastIndexOf("@"));
  if ([email, localPart, username].some((name) => folded(name) === written)) {
    throw refused(field, "is the account's email or name");
  }
  commonPasswords ??= readCommonPasswords();
  if (commonPasswords.has(written)) throw refused(field, "is one of the most common passwords");
}

let commonPasswords: ReadonlySet<string> | undefined;

function readCommonPasswords(): ReadonlySet<string> {
  const file = new URL("common-passwords.txt", import.meta.url);
  return new Set(readFileSync(file, "utf8").split("\n").filter(Boolean).map(folded));
}

function folded(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}

const refused = (field: string, reason: string) =>
  badUserInput([{ field, message: `The '${field}' ${reason}; choose another one.` }]);
