import type { ServiceSchema } from "moleculer";
import { actorOf, forbidden, mayActForOthers, type Actor } from "../../core/access.ts";
import type { Config } from "../../core/config.ts";
import { defineService } from "../../core/define-service.ts";
import { productsContract } from "../products/products.contract.ts";
import { usersContract } from "../users/users.contract.ts";
import { followInventory, productNames, rememberProduct, rememberUser } from "./known.ts";
import { ordersContract } from "./orders.contract.ts";
import { openOrdersDatabase } from "./orders.database.ts";
import { buyerMissing } from "./orders.errors.ts";
import { placeOrder } from "./place-order.ts";
import { getOrder, linesOfOrders, listOrders, ordersOfUsers } from "./read-orders.ts";

export default function ordersService(config: Config, databaseUrl: string): ServiceSchema {
  const database = openOrdersDatabase(databaseUrl, config.databasePoolMax);

  /** Whose orders the actor is held to; undefined for those who may see all. */
  function ownerOf(actor: Actor): string | undefined {
    if (config.publicReads || mayActForOthers(actor)) return undefined;
    if (actor.kind === "user") return actor.id;
    throw forbidden();
  }

  return defineService(ordersContract, {
    uses: [productsContract, usersContract],
    mixins: [database.mixin],
    consumer: database.consumer,
    actions: {
      get: (ctx) => getOrder(database, ctx.params.id, ownerOf(actorOf(ctx))),
      list: (ctx) => listOrders(database, ctx.params, ownerOf(actorOf(ctx))),
      async place(ctx) {
        const actor = actorOf(ctx);
        const userId = actor.kind === "user" ? actor.id : ctx.params.user_id;
        if (userId === undefined) throw buyerMissing();
        const dependencies = { database, products: ctx, logger: ctx.broker.logger };
        return placeOrder(dependencies, userId, ctx.params.order_products);
      },
      lines: (ctx) => linesOfOrders(database, ctx.params.ids, ownerOf(actorOf(ctx))),
      productNames: (ctx) => productNames(database, ctx.params.ids),
      async ofUsers(ctx) {
        const owner = ownerOf(actorOf(ctx));
        const foreign = ctx.params.ids.some((id) => id !== owner);
        if (owner !== undefined && foreign) throw forbidden();
        return ordersOfUsers(database, ctx.params.ids);
      },
      ready: async () => (await database.query("SELECT 1", [])).length === 1,
    },
    consumes: {
      "product.created": ({ data }, effect) => rememberProduct(effect, data),
      "inventory.updated": ({ data }, effect) => followInventory(effect, data),
      "user.registered": ({ data }, effect) => rememberUser(effect, data),
    },
  });
}
