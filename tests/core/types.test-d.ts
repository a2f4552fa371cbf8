import { action, defineContract, event } from "../../core/contract.ts";
import { defineService, type Ctx } from "../../core/define-service.ts";
import { id, int } from "../../core/validation.ts";
import type { UnitOfWork } from "../../mixins/database-types.ts";

/**
 * Calls and events between services that must not compile. The test is `tsc`: a line after
 * `@ts-expect-error` that compiles is an error. This code never runs.
 */
interface Taking {
  product_id: string;
  quantity: number;
}

const stock = defineContract({
  name: "stock",
  graphql: { type: "" },
  actions: {
    take: action<Taking, { left: number }>({
      params: { product_id: id(), quantity: int(1) },
      access: "nobody",
    }),
    count: action<object, number>({ params: {}, access: "everyone" }),
  },
  events: {
    "stock.taken": event<{ product_id: string; left: number }>(1, {
      product_id: id(),
      left: int(0),
    }),
    "stock.counted": event<{ pieces: number }>(1, { pieces: int(0) }),
  },
});

const shelf = defineContract({
  name: "shelf",
  graphql: { type: "" },
  actions: { tidy: action<{ row: number }, boolean>({ params: { row: int(1) }, access: "admin" }) },
  events: {},
});

const taking: Taking = { product_id: "", quantity: 1 };

/** Calls of another service's actions. */
export async function calls(ctx: Ctx<{ row: number }, typeof stock | typeof shelf>) {
  const { left }: { left: number } = await ctx.call("stock.take", taking);
  const tidied: boolean = await ctx.call("shelf.tidy", { row: ctx.params.row });

  // @ts-expect-error -- the contract has no such action
  await ctx.call("stock.give", taking);
  // @ts-expect-error -- the action belongs to another service
  await ctx.call("shelf.take", taking);
  // @ts-expect-error -- a parameter is missing
  await ctx.call("stock.take", { product_id: "" });
  // @ts-expect-error -- a parameter has the wrong type
  await ctx.call("stock.take", { product_id: "", quantity: "1" });
  // @ts-expect-error -- the action has no such parameter
  await ctx.call("stock.take", { product_id: "", quantity: 1, gift: true });
  // @ts-expect-error -- these are the parameters of another action
  await ctx.call("stock.take", { row: 1 });
  // @ts-expect-error -- the parameters are missing
  await ctx.call("stock.take");
  // @ts-expect-error -- the action takes no parameters
  await ctx.call("stock.count", { row: 1 });
  // @ts-expect-error -- the result has no such field
  const { right } = await ctx.call("stock.take", taking);
  // @ts-expect-error -- the result has another type
  const count: string = await ctx.call("stock.count", {});
  // @ts-expect-error -- this action has no such parameter
  const column: number = ctx.params.column;

  // @ts-expect-error -- events go through `record`, in the transaction of the change
  await ctx.emit("stock.taken", {});
  // @ts-expect-error -- events go through `record`, in the transaction of the change
  await ctx.broadcast("stock.taken", {});
  // @ts-expect-error -- several calls at once would be unchecked
  await ctx.mcall([]);
  return { left, tidied, right, count, column };
}

/** Calls of a service without `uses`. */
export async function callsWithoutUses(ctx: Ctx<object>) {
  // @ts-expect-error -- `uses` does not name the service
  await ctx.call("stock.take", taking);
}

/** Events in a transaction. */
export function records({ record }: UnitOfWork<(typeof stock)["events"]>) {
  record("stock.taken", { product_id: "", left: 0 });

  // @ts-expect-error -- the contract has no such event
  record("stock.given", { product_id: "", left: 0 });
  // @ts-expect-error -- a field is missing
  record("stock.taken", { product_id: "" });
  // @ts-expect-error -- a field has the wrong type
  record("stock.taken", { product_id: "", left: "0" });
  // @ts-expect-error -- the event has no such field
  record("stock.taken", { product_id: "", left: 0, email: "" });
  // @ts-expect-error -- this is the data of another event
  record("stock.taken", { pieces: 1 });
}

const keep = async (left: number) => {
  await Promise.resolve(left);
};
const take = () => Promise.resolve({ left: 0 });
const count = () => Promise.resolve(1);
const tidy = () => Promise.resolve(true);

/** Services and their contracts. */
export const services = [
  defineService(stock, { actions: { take, count } }),

  // @ts-expect-error -- an action of the contract is missing
  defineService(stock, { actions: { take } }),
  // @ts-expect-error -- the contract has no such action
  defineService(stock, { actions: { take, count, give: take } }),
  // @ts-expect-error -- the result has the wrong type
  defineService(stock, { actions: { take, count: () => Promise.resolve("1") } }),
  // @ts-expect-error -- a field of the result is missing
  defineService(stock, { actions: { take: () => Promise.resolve({}), count } }),
  // @ts-expect-error -- the result may be undefined
  defineService(stock, { actions: { take, count: () => Promise.resolve(undefined) } }),
  // @ts-expect-error -- the action takes no such parameter
  defineService(stock, { actions: { take: (ctx) => Promise.resolve(ctx.params.left), count } }),
  // @ts-expect-error -- the handler takes other parameters than the action
  defineService(shelf, { actions: { tidy: (ctx: Ctx<Taking>) => Promise.resolve(!ctx.params) } }),
];

/** Moleculer's options of services and actions. */
export const options = [
  action<Taking, number>({
    params: { product_id: id(), quantity: int(1) },
    access: "everyone",
    cache: { keys: ["product_id"], ttl: 5 },
    timeout: 1_000,
    bulkhead: { concurrency: 1 },
    visibility: "published",
  }),
  // @ts-expect-error -- a timeout is a number of milliseconds
  action<object, number>({ params: {}, access: "everyone", timeout: "1s" }),
  // @ts-expect-error -- Moleculer has no such visibility
  action<object, number>({ params: {}, access: "everyone", visibility: "hidden" }),
  // @ts-expect-error -- Moleculer has no such option of actions
  action<object, number>({ params: {}, access: "everyone", debounce: 100 }),

  defineService(shelf, {
    settings: { rows: 7 },
    dependencies: ["stock"],
    methods: { isTidy: (row: number) => row > 0 },
    hooks: { before: { tidy: "isTidy", "t*": () => undefined } },
    actions: {
      tidy: {
        async handler(ctx) {
          return this.isTidy(ctx.params.row);
        },
        hooks: { after: (ctx, result) => result && ctx.params.row > 0 },
        fallback: async (_ctx, error) => error.message === "",
      },
    },
  }),
  defineService(shelf, {
    actions: { tidy },
    // @ts-expect-error -- the contract has no such action
    hooks: { before: { tidi: () => undefined } },
  }),
  // @ts-expect-error -- the fallback has another type than the result
  defineService(shelf, { actions: { tidy: { handler: tidy, fallback: async () => "tidy" } } }),
  defineService(shelf, {
    actions: {
      // @ts-expect-error -- the hook gives another type than the result
      tidy: { handler: tidy, hooks: { after: () => "tidy" } },
    },
  }),
  // @ts-expect-error -- a contract's service has no version: its actions would have other names
  defineService(shelf, { version: 2, actions: { tidy } }),
];

/** Services and the events of others. */
export const consumers = [
  defineService(shelf, {
    uses: [stock],
    actions: { tidy },
    consumes: { "stock.taken": ({ data: { left } }) => keep(left) },
  }),
  defineService(shelf, {
    uses: [stock],
    actions: { tidy },
    consumes: { "stock.taken": { handleBatch: (batch) => keep(batch.length) } },
    startFrom: "now",
    readModels: { stock: ["known_stock"] },
  }),
  defineService(shelf, {
    uses: [stock],
    actions: { tidy },
    // @ts-expect-error -- the data of the batch's events has no such field
    consumes: { "stock.taken": { handleBatch: (batch) => keep(Number(batch[0]?.data.right)) } },
  }),
  defineService(shelf, {
    uses: [stock],
    actions: { tidy },
    // @ts-expect-error -- `uses` does not name the service of the read models
    readModels: { orders: ["known_orders"] },
  }),
  defineService(shelf, {
    uses: [stock],
    actions: { tidy },
    // @ts-expect-error -- the event's data has no such field
    consumes: { "stock.taken": ({ data: { right } }) => keep(right) },
  }),
  defineService(shelf, {
    uses: [stock],
    actions: { tidy },
    // @ts-expect-error -- the contract has no such event
    consumes: { "stock.given": () => Promise.resolve() },
  }),
  defineService(stock, {
    uses: [shelf],
    actions: { take, count },
    // @ts-expect-error -- that service emits no events
    consumes: { "shelf.tidied": () => Promise.resolve() },
  }),
  defineService(shelf, {
    actions: { tidy },
    // @ts-expect-error -- `uses` does not name the service that emits this event
    consumes: { "stock.taken": () => Promise.resolve() },
  }),
];

/** Events and their rules. */
export const events = [
  // @ts-expect-error -- a field has no rule
  event<{ pieces: number }>(1, {}),
  // @ts-expect-error -- a rule has no field
  event<{ pieces: number }>(1, { pieces: int(0), left: int(0) }),
  // @ts-expect-error -- the rules are missing
  event<{ pieces: number }>(1),
];

/** Parameters and their rules. */
export const actions = [
  // @ts-expect-error -- a parameter has no rule
  action<Taking, boolean>({ params: { product_id: id() }, access: "nobody" }),
  // @ts-expect-error -- a rule has no parameter
  action<object, boolean>({ params: { product_id: id() }, access: "nobody" }),
  // @ts-expect-error -- a rule names no type
  action<{ id: string }, boolean>({ params: { id: {} }, access: "nobody" }),
  // @ts-expect-error -- the access rule is missing
  action<object, boolean>({ params: {} }),
  // @ts-expect-error -- there is no such access rule
  action<object, boolean>({ params: {}, access: "customers" }),
];
