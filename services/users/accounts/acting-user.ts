import { forbidden, userType, type Actor } from "../../../core/access.ts";
import type { UsersTransaction } from "../users.database.ts";
import { sessionEnded } from "../users.errors.ts";

/**
 * Holds what a token says against the database, in the transaction of the effect: since the token
 * was given, its user may have been set back, and its session may have ended. The user's row is
 * locked, so that this stays true until the effect commits; it must be the first that is. The
 * operator has none. Refuses with UNAUTHENTICATED or FORBIDDEN.
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

/** Refuses with UNAUTHENTICATED a user whose row is locked, and whose session has ended. */
export async function assertSessionLives({ query }: UsersTransaction, actor: Actor): Promise<void> {
  if (actor.kind !== "user" || actor.sessionId === undefined) return;
  // After the lock, and not beside it: a statement that has waited sees other rows as they were before.
  const live = await query(
    "SELECT FROM sessions WHERE id = $1 AND user_id = $2 AND ended_at IS NULL",
    [actor.sessionId, actor.id],
  );
  if (live.length === 0) throw sessionEnded();
}
