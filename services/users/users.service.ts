import type { ServiceBroker, ServiceSchema } from "moleculer";
import { Op } from "sequelize";
import { untilAvailable } from "../../core/tasks/until-available.ts";
import {
  actorOf,
  forbidden,
  isTokenRejected,
  mayActForOthers,
  senderOf,
  sessionIdOf,
  unauthenticated,
  userIdOf,
  type Actor,
} from "../../core/access.ts";
import { configOf } from "../../config/broker-config.ts";
import { lowestId } from "../../core/relay-connection.ts";
import { defineService } from "../../core/define-service.ts";
import { instrumentsOf } from "../../core/metrics/instruments.ts";
import { maxListRows } from "../../core/validation.ts";
import { auditErasure, auditPruning, FailedAttemptAudit } from "../../database/audit-trail.ts";
import { readAuditTrail } from "../../database/audit-trail-pages.ts";
import { inOrderOf } from "../../database/rows-by-id.ts";
import { eraseUser } from "./accounts/erase-user.ts";
import { changePassword } from "./passwords/change-password.ts";
import { createPasswordReset } from "./passwords/create-password-reset.ts";
import { resetPassword } from "./passwords/reset-password.ts";
import { pruneResets } from "./passwords/reset-tokens.ts";
import { login } from "./sessions/login.ts";
import { logout, logoutEverywhere } from "./sessions/logout.ts";
import { userConnection } from "./accounts/page-users.ts";
import { PasswordTries } from "./passwords/password-tries.ts";
import {
  limitEmailTries,
  limitRefreshes,
  limitResets,
  pruneLimits,
} from "./accounts/rate-limits.ts";
import { endSession, openSessions } from "./sessions/own-sessions.ts";
import { refreshToken } from "./sessions/refresh-token.ts";
import { ensureFirstAdmin, registerUser } from "./accounts/register-user.ts";
import { sessionPruning } from "./sessions/prune-sessions.ts";
import { endedSessions } from "./sessions/sessions.ts";
import { setUserRights } from "./accounts/set-user-rights.ts";
import { setUserType } from "./accounts/set-user-type.ts";
import { updateProfile } from "./accounts/update-profile.ts";
import { SigningKeys } from "./sessions/signing-keys.ts";
import { publicUser } from "./user.ts";
import { UserMetrics } from "./user-metrics.ts";
import { usersContract } from "./users.contract.ts";
import { openUsersDatabase } from "./users.database.ts";
import { userNotFound } from "./users.errors.ts";

const maintainKeysEveryMs = 5_000;
const pruneLimitsEveryMs = 60_000;

export default function usersService(broker: ServiceBroker): ServiceSchema {
  const config = configOf(broker);
  const database = openUsersDatabase(config);
  const keys = new SigningKeys(database, config);
  const tries = new PasswordTries(database);
  const connection = userConnection(database);
  const metrics = new UserMetrics(instrumentsOf(broker), keys);
  const failedAttempts = new FailedAttemptAudit(database.query);

  function mayRead(actor: Actor, id: string): boolean {
    return config.publicReads || mayActForOthers(actor) || userIdOf(actor) === id;
  }

  /** Returns the actor's user id. Throws FORBIDDEN for the operator, who has no account. */
  function ownIdOf(actor: Actor): string {
    const id = userIdOf(actor);
    if (id === null) throw forbidden();
    return id;
  }

  return defineService(usersContract, {
    database,
    actions: {
      async get(ctx) {
        if (!mayRead(actorOf(ctx), ctx.params.id)) throw forbidden();
        const user = await database.withModels(({ users }) => users.findByPk(ctx.params.id));
        if (user === null) throw userNotFound();
        return publicUser(user);
      },
      async me(ctx) {
        const actor = actorOf(ctx);
        if (isTokenRejected(actor)) throw unauthenticated(actor);
        const id = userIdOf(actor);
        const user = id && (await database.withModels(({ users }) => users.findByPk(id)));
        return user ? publicUser(user) : null;
      },
      async list(ctx) {
        const { limit = maxListRows, offset = 0, after = lowestId } = ctx.params;
        const where = { id: { [Op.gt]: after } };
        const page = { where, limit, offset, order: ["id"] };
        return (await database.withModels(({ users }) => users.findAll(page))).map(publicUser);
      },
      page: ({ params }) => connection.page(params),
      count: ({ params }) => connection.count(params),
      register: (ctx) =>
        failedAttempts.watch(ctx, () =>
          database.idempotent(ctx, async (db) => {
            await limitEmailTries(database.query, senderOf(ctx));
            return registerUser(db, ctx.params, senderOf(ctx), config.allowFirstAdmin);
          }),
        ),
      login: (ctx) =>
        metrics.countSignIn(
          login({ database, keys, tries, lifetimes: config }, ctx.params, {
            sender: senderOf(ctx),
            userAgent: ctx.meta.userAgent,
          }),
        ),
      async refreshToken(ctx) {
        const sender = senderOf(ctx);
        await limitRefreshes(database.query, sender);
        const { tokenTtlSeconds } = config;
        return refreshToken({ database, keys, tokenTtlSeconds }, ctx.params.token, sender);
      },
      logout: (ctx) =>
        database.idempotent(ctx, (db) => logout(db, ctx.params.token, senderOf(ctx))),
      async sessions(ctx) {
        const actor = actorOf(ctx);
        return openSessions(database, ownIdOf(actor), sessionIdOf(actor));
      },
      endSession: (ctx) =>
        database.idempotent(ctx, (db) =>
          endSession(db, ownIdOf(actorOf(ctx)), ctx.params.id, senderOf(ctx)),
        ),
      logoutEverywhere: (ctx) =>
        database.idempotent(ctx, (db) =>
          logoutEverywhere(db, ownIdOf(actorOf(ctx)), senderOf(ctx)),
        ),
      changePassword: (ctx) =>
        database.idempotent(ctx, (db) =>
          changePassword({ database: db, tries }, ownIdOf(actorOf(ctx)), ctx.params, senderOf(ctx)),
        ),
      updateProfile: (ctx) =>
        database.idempotent(ctx, async (db) => {
          const userId = ownIdOf(actorOf(ctx));
          if (ctx.params.email !== undefined) await limitEmailTries(database.query, senderOf(ctx));
          return updateProfile({ database: db, tries }, userId, ctx.params, senderOf(ctx));
        }),
      createPasswordReset: (ctx) =>
        failedAttempts.watch(ctx, () => createPasswordReset(database, ctx.params, senderOf(ctx))),
      resetPassword: (ctx) =>
        database.idempotent(ctx, async (db) => {
          await limitResets(database.query, senderOf(ctx));
          return resetPassword(db, ctx.params, senderOf(ctx));
        }),
      erase: (ctx) =>
        failedAttempts.watch(ctx, () =>
          database.idempotent(ctx, (db) => eraseUser(db, ctx.params.id, senderOf(ctx))),
        ),
      setType: (ctx) =>
        failedAttempts.watch(ctx, () =>
          database.idempotent(ctx, (db) => setUserType(db, ctx.params, senderOf(ctx))),
        ),
      setRights: (ctx) =>
        failedAttempts.watch(ctx, () =>
          database.idempotent(ctx, (db) => setUserRights(db, ctx.params, senderOf(ctx))),
        ),
      async resolve(ctx) {
        const where = { id: ctx.params.ids.filter((id) => mayRead(actorOf(ctx), id)) };
        const found = await database.withModels(({ users }) => users.findAll({ where }));
        return inOrderOf(ctx.params.ids, found.map(publicUser));
      },
      jwks: async () => ({ keys: await keys.publicKeys() }),
      rotateKeys: (ctx) => keys.rotate(ctx.params.revoke ?? false, senderOf(ctx)),
      endedSessions: (ctx) => endedSessions(database, ctx.params.after),
      auditTrail: ({ params }) => readAuditTrail(database.query, params),
    },
    onAccessDenied: (ctx, denial) => failedAttempts.onAccessDenied(ctx, denial),
    periodically: [
      { everyMs: maintainKeysEveryMs, run: () => keys.maintain() },
      sessionPruning(database),
      { everyMs: pruneLimitsEveryMs, run: () => pruneLimits(database.query) },
      { everyMs: pruneLimitsEveryMs, run: () => pruneResets(database.query) },
      auditErasure(database),
      auditPruning(database, config.auditKeepMs),
    ],
    async started() {
      await untilAvailable(() => keys.open());
      const { firstAdmin } = config;
      if (firstAdmin !== undefined)
        await untilAvailable(() => ensureFirstAdmin(database, firstAdmin));
    },
  });
}
