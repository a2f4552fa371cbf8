import type { Context } from "moleculer";
import type { ServedTable } from "../../../mixins/table-actions.mixin.ts";
import { linesBatch, type OrderLine } from "../orders.contract.ts";

type Row = Record<string, unknown>;

/** The maximum number of products that one call of `products.db.resolve` returns. */
const productsBatch = 100;
/** The fields of a line's product. The description is left out because it may be long. */
const productFields = ["id", "name", "price", "stock"];

/** The joins of `orders.db.*`, by the names that `populate` accepts. */
export const orderPopulates: NonNullable<ServedTable["populates"]> = {
  user: { field: "user_id", action: "users.db.resolve", maxRows: 500 },
  // Must come before `lines`: moleculer-db uses the first join whose name is a prefix.
  "lines.product": {
    field: "id",
    maxRows: 10,
    async handler(ids, orders, _rule, ctx) {
      const lines = (await addLines(ids, orders, ctx)).flat();
      const productIds = [...new Set(lines.map(({ product_id }) => product_id))];
      const found = await inBatches(productIds, productsBatch, (id) =>
        ctx.call<Record<string, Row>, object>("products.db.resolve", {
          id,
          mapping: true,
          fields: productFields,
        }),
      );
      const products = new Map(found.flatMap((byId) => Object.entries(byId)));
      for (const line of lines)
        Object.assign(line, { product: products.get(line.product_id) ?? null });
    },
  },
  lines: {
    field: "id",
    maxRows: linesBatch,
    async handler(ids, orders, _rule, ctx) {
      await addLines(ids, orders, ctx);
    },
  },
};

async function addLines(ids: string[], orders: Row[], ctx: Context): Promise<OrderLine[][]> {
  const lines = await ctx.call<OrderLine[][], object>("orders.lines", { ids });
  for (const order of orders) order.lines = lines[ids.indexOf(order.id as string)] ?? [];
  return lines;
}

/** Calls an action once for each batch of ids. */
function inBatches<Result>(
  ids: string[],
  size: number,
  call: (batch: string[]) => Promise<Result>,
): Promise<Result[]> {
  const starts = Array.from({ length: Math.ceil(ids.length / size) }, (_, n) => n * size);
  return Promise.all(starts.map((start) => call(ids.slice(start, start + size))));
}
