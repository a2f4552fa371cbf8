import { forbidden, userIdOf, userType, type Actor } from "../../../core/access.ts";
import type { UsersTransaction } from "../users.database.ts";
import { publicUser } from "../user.ts";
import { sessionEnded, userNotFound } from "../users.errors.ts";

/**
 * Checks a token against the database in the transaction of the effect: since the token was issued,
 * its user may have been demoted and its session may have ended. Locks the user's row, so that the
 * result stays true until the commit. This must be the first lock of the transaction. Accepts the
 * operator, who has no row. Throws UNAUTHENTICATED or FORBIDDEN.
 */
export async function assertStillActs(
  work: UsersTransaction,
  actor: Actor,
  need: "signed-in" | "admin",
): Promise<void> {
  if (actor.kind !== "user") return;
  const { models, transaction } = work;
  const lock = transaction.LOCK.NO_KEY_UPDATE;
  const row = await models.users.findByPk(actor.id, { attributes: ["type"], lock, transaction });
  if (row === null) throw sessionEnded();
  if (need === "admin" && row.type !== userType.admin) throw forbidden();
  await assertSessionLives(work, actor);
}

/**
 * Locks the rows of a user and of the caller in the order of their ids: of two admins who act on each
 * other, one succeeds. Returns the user, and whether the caller may operate the shop. Throws
 * USER_NOT_FOUND, and FORBIDDEN or UNAUTHENTICATED for a caller who is no admin any more.
 */
export async function lockAsAdmin(work: UsersTransaction, id: string, actor: Actor) {
  const { models, transaction } = work;
  const actorId = userIdOf(actor);
  const locked = await models.users.findAll({
    where: { id: actorId === null ? [id] : [id, actorId] },
    order: ["id"],
    lock: transaction.LOCK.NO_KEY_UPDATE,
    transaction,
  });
  const rowOf = (userId: string) => locked.find((row) => row.id === userId);
  const actorRow = actorId === null ? undefined : rowOf(actorId);
  if (actorId !== null && actorRow?.type !== userType.admin) throw forbidden();
  await assertSessionLives(work, actor);
  const user = rowOf(id);
  if (user === undefined) throw userNotFound();
  return { user, actorMayOperate: actorId === null || actorRow?.may_operate === true };
}

/**
 * Like `lockAsAdmin`, for a change that takes an admin's rights away: an admin without the right to
 * operate cannot remove one who has it, so that one with the right remains. Returns the user.
 */
export async function lockToRemove(work: UsersTransaction, id: string, actor: Actor) {
  const { user, actorMayOperate } = await lockAsAdmin(work, id, actor);
  if (!actorMayOperate && publicUser(user).mayOperate) throw forbidden();
  return user;
}

/** Throws UNAUTHENTICATED if the session has ended. The user's row must be locked. */
async function assertSessionLives({ query }: UsersTransaction, actor: Actor): Promise<void> {
  if (actor.kind !== "user" || actor.sessionId === undefined) return;
  // A statement after the lock: one that waits for a lock sees other rows as they were before.
  const live = await query(
    "SELECT FROM sessions WHERE id = $1 AND user_id = $2 AND ended_at IS NULL",
    [actor.sessionId, actor.id],
  );
  if (live.length === 0) throw sessionEnded();
}
