import { userIdOf, userType, type Actor } from "../../../core/access.ts";
import { lastAdmin, lastOperatingAdmin } from "../users.errors.ts";
import type { UsersTransaction } from "../users.database.ts";

/** What decides about the rights of a user. */
interface Rights {
  type: number;
  may_operate: boolean;
}

/** A locked user. */
type LockedUser = Rights & { id: string };

/**
 * Locks the user, the caller and all admins, so that concurrent calls cannot remove the last two
 * admins. Each call locks them in the order of their ids: calls do not wait for each other in a circle.
 * This must be the first lock of the transaction.
 */
export async function lockWithAdmins(
  { query }: UsersTransaction,
  id: string,
  actor: Actor,
): Promise<LockedUser[]> {
  return query<LockedUser>(
    `SELECT id, type, may_operate FROM users
     WHERE id = ANY ($1::uuid[]) OR type = 1 ORDER BY id FOR NO KEY UPDATE`,
    [[id, userIdOf(actor) ?? id]],
  );
}

/** Like `lockWithAdmins`, with the lock that a deletion needs: a stronger second lock could deadlock. */
export async function lockToErase(
  { query }: UsersTransaction,
  id: string,
  actor: Actor,
): Promise<LockedUser[]> {
  return query<LockedUser>(
    `SELECT id, type, may_operate FROM users
     WHERE id = ANY ($1::uuid[]) OR type = 1 ORDER BY id FOR UPDATE`,
    [[id, userIdOf(actor) ?? id]],
  );
}

/**
 * The shop keeps at least one admin, and one who may operate it. Throws LAST_ADMIN if a change takes
 * this from the last one.
 *
 * @param after the rights after the change; undefined if the user is erased
 */
export function assertAdminsRemain(
  locked: readonly LockedUser[],
  id: string,
  after?: Rights,
): void {
  const isLost = (has: (user: Rights) => boolean) => {
    const owners = locked.filter(has);
    const isOnlyOwner = owners.length === 1 && owners[0]?.id === id;
    return isOnlyOwner && (after === undefined || !has(after));
  };
  if (isLost(isAdmin)) throw lastAdmin();
  if (isLost((user) => isAdmin(user) && user.may_operate)) throw lastOperatingAdmin();
}

function isAdmin({ type }: Rights): boolean {
  return type === userType.admin;
}
