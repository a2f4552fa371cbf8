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
