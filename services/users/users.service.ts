import type { ServiceSchema } from "moleculer";
import { actorOf, forbidden, mayActForOthers, type Actor } from "../../core/access.ts";
import type { Config } from "../../core/config.ts";
import { defineService } from "../../core/define-service.ts";
import { maxListRows } from "../../core/validation.ts";
import { inOrderOf } from "../../mixins/reads.ts";
import { login } from "./login.ts";
import { ensureFirstAdmin, registerUser } from "./register-user.ts";
import { ensureSigningKey, publicKeys } from "./signing-keys.ts";
import { publicUser } from "./user.ts";
import { usersContract } from "./users.contract.ts";
import { openUsersDatabase } from "./users.database.ts";
import { userNotFound } from "./users.errors.ts";

export default function usersService(config: Config, databaseUrl: string): ServiceSchema {
  const database = openUsersDatabase(config, databaseUrl);

  /** Accounts are their owners' business, unless reads are public. */
  function assertOwn(actor: Actor, ids: string[]): void {
    if (config.publicReads || mayActForOthers(actor)) return;
    if (actor.kind === "user" && ids.every((id) => id === actor.id)) return;
    throw forbidden();
  }

  return defineService(usersContract, {
    database,
    actions: {
      async get(ctx) {
        assertOwn(actorOf(ctx), [ctx.params.id]);
        const user = await database.read((reads) => reads.findById(ctx.params.id));
        if (user === null) throw userNotFound();
        return publicUser(user);
      },
      async list(ctx) {
        const { limit = maxListRows, offset = 0 } = ctx.params;
        const users = await database.read((reads) => reads.find({ limit, offset, sort: "id" }));
        return users.map(publicUser);
      },
      register: (ctx) =>
        database.once(ctx, (keyed) =>
          registerUser(keyed, ctx.params, actorOf(ctx), config.allowFirstAdmin),
        ),
      login: (ctx) => login(database, ctx.params, config.tokenTtlSeconds),
      async resolve(ctx) {
        assertOwn(actorOf(ctx), ctx.params.ids);
        const users = await database.read((reads) => reads.findByIds(ctx.params.ids));
        return inOrderOf(ctx.params.ids, users.map(publicUser));
      },
      jwks: async () => ({ keys: await publicKeys(database) }),
      ready: async () => (await database.query("SELECT 1", [])).length === 1,
    },
    async started() {
      await ensureSigningKey(database);
      if (config.firstAdmin !== undefined) await ensureFirstAdmin(database, config.firstAdmin);
    },
  });
}
