import type { ServiceSchema } from "moleculer";
import { actorOf, type Actor } from "../../core/access.ts";
import type { Config } from "../../core/config.ts";
import { defineService } from "../../core/define-service.ts";
import { maxListRows } from "../../core/validation.ts";
import { inOrderOf } from "../../mixins/reads.ts";
import { ordersContract } from "../orders/orders.contract.ts";
import { usersContract } from "../users/users.contract.ts";
import { createProduct } from "./create-product.ts";
import { publicProduct } from "./product.ts";
import { productsContract } from "./products.contract.ts";
import { openProductsDatabase } from "./products.database.ts";
import { productNotFound } from "./products.errors.ts";
import { release, reserve } from "./reserve.ts";
import { sell } from "./sell.ts";
import { stockHistory } from "./stock-changes.ts";
import { updateInventory } from "./update-inventory.ts";

export default function productsService(config: Config, databaseUrl: string): ServiceSchema {
  const database = openProductsDatabase(databaseUrl, config.databasePoolMax);
  const inCatalogue = { archivedAt: null };

  return defineService(productsContract, {
    uses: [usersContract, ordersContract],
    mixins: [database.mixin],
    consumer: database.consumer,
    actions: {
      async get({ params: { id } }) {
        const product = await database.read((reads) =>
          reads.findOne({ where: { id, ...inCatalogue } }),
        );
        if (product === null) throw productNotFound(id);
        return publicProduct(product);
      },
      async list({ params: { limit = maxListRows, offset = 0 } }) {
        const products = await database.read((reads) =>
          reads.find({ query: inCatalogue, limit, offset, sort: "id" }),
        );
        return products.map(publicProduct);
      },
      create: (ctx) => createProduct(database, ctx.params, userIdOf(actorOf(ctx))),
      updateInventory: (ctx) => updateInventory(database, ctx.params, userIdOf(actorOf(ctx))),
      async resolve({ params: { ids } }) {
        const products = await database.read((reads) =>
          reads.find({ query: { id: ids, ...inCatalogue } }),
        );
        return inOrderOf(ids, products.map(publicProduct));
      },
      reserve: ({ params }) => reserve(database, params),
      release: ({ params }) => release(database, params.order_id),
      stockHistory: ({ params: { id, ...page } }) => stockHistory(database, id, page),
      ready: async () => (await database.query("SELECT 1", [])).length === 1,
    },
    consumes: {
      "order.placed": ({ data }, effect) => sell(effect, data),
      "user.registered": async ({ data }, effect) => {
        await effect.query(
          `INSERT INTO known_users (id, username) VALUES ($1, $2)
           ON CONFLICT (id) DO UPDATE SET username = excluded.username`,
          [data.user_id, data.username],
        );
      },
    },
  });
}

function userIdOf(actor: Actor): string | null {
  return actor.kind === "user" ? actor.id : null;
}
