import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { createClient } from "graphql-ws";
import { Errors, type Context, type ServiceSchema } from "moleculer";
import { WebSocket } from "ws";
import { eventually } from "../../../tools/support/eventually.ts";
import { putOnSale } from "../../support/ordering.ts";
import { startTestShop, type TestShop } from "../../support/shop.ts";
import { subscriptionsTo } from "../../support/http/subscriptions.ts";

let shop: TestShop;
let admin: { token: string };
let customer: { token: string };
const errorsLogged: string[] = [];

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("admin", 1);
  customer = await shop.signIn("customer");
  shop.broker.logger.error = (...words: unknown[]) => void errorsLogged.push(words.join(" "));
});
afterAll(() => shop.stop());

const created: string[] = [];
afterEach(async () => {
  for (const name of created.splice(0)) await shop.broker.destroyService(name);
});

/** Adds a service that this project does not know, as a node that joins would. */
function join(schema: Record<string, unknown>): void {
  const service = shop.broker.createService(schema as unknown as ServiceSchema);
  created.push(service.fullName);
}

async function schemaHas(text: string): Promise<boolean> {
  return (await (await fetch(`${shop.url}/schema.graphql`)).text()).includes(text);
}

const say = (name: string, access?: string) => ({
  name,
  actions: {
    say: {
      ...(access !== undefined && { access }),
      graphql: { query: `${name}(word: String): String!` },
      handler: ({ params }: Context<{ word?: string }>) => `${name} ${params.word ?? ""}`,
    },
  },
});

describe("a service that is not in the registry", () => {
  test("adds its fields to the schema, and they answer SERVICE_UNAVAILABLE when it has left", async () => {
    join(say("parrot", "everyone"));
    await eventually("the field", () => schemaHas("parrot(word: String): String!"));
    const query = '{ parrot(word: "hello") }';
    expect((await shop.graphql(query)).data).toEqual({ parrot: "parrot hello" });
    await shop.broker.destroyService(created.pop() ?? "");
    const { data, errors } = await shop.graphql(query);
    expect(data).toBeNull();
    expect(errors?.[0]?.extensions.code).toBe("SERVICE_UNAVAILABLE");
    join(say("parrot", "everyone"));
    expect((await shop.graphql(query)).data).toEqual({ parrot: "parrot hello" });
  });

  test("is closed where its action declares no access, and open to those whom it names", async () => {
    join(say("closed"));
    join(say("forAdmins", "admin"));
    join(say("forUsers", "signed-in"));
    join(say("misspelt", "everybody"));
    await eventually("the fields", () => schemaHas("misspelt(word"));
    const codeOf = async (query: string, token?: string) =>
      (await shop.graphql(query, { token })).errors?.[0]?.extensions.code;
    expect(await codeOf("{ closed }", admin.token)).toBe("FORBIDDEN");
    expect(await codeOf("{ misspelt }", admin.token)).toBe("FORBIDDEN");
    expect(await codeOf("{ forAdmins }", customer.token)).toBe("FORBIDDEN");
    expect(await codeOf("{ forAdmins }", admin.token)).toBeUndefined();
    expect(await codeOf("{ forUsers }")).toBe("UNAUTHENTICATED");
    expect(await codeOf("{ forUsers }", customer.token)).toBeUndefined();
  });

  test("joins its types with the shop's, in both directions, and takes an argument named input", async () => {
    const id = await putOnSale(shop, 5, 100, "Mug");
    const product = {
      action: "products.resolve",
      dataLoader: true,
      rootParams: { product_id: "ids" },
    };
    const notes = { action: "notes.ofProduct", rootParams: { id: "product_id" } };
    join({
      name: "notes",
      settings: {
        graphql: {
          type: "type Note { text: String! product: Product } extend type Product { notes: [Note!]! }",
          resolvers: { Note: { product }, Product: { notes } },
        },
      },
      actions: {
        ofProduct: {
          access: "everyone",
          handler: ({ params }: Context<{ product_id: string }>) => [
            { text: "first", product_id: params.product_id },
          ],
        },
        shout: {
          access: "everyone",
          graphql: { query: "shout(input: String!): String!" },
          handler: ({ params }: Context<{ input: string }>) => params.input.toUpperCase(),
        },
      },
    });
    await eventually("the fields", () => schemaHas("notes: [Note!]!"));
    const query = `{ product(id: "${id}") { notes { text product { name } } } shout(input: "a") }`;
    expect((await shop.graphql(query)).data).toEqual({
      product: { notes: [{ text: "first", product: { name: "Mug" } }] },
      shout: "A",
    });
  });

  test("returns its expected errors with their codes, and its faults with a trace id only", async () => {
    join({
      name: "failing",
      actions: {
        fail: {
          access: "everyone",
          params: { how: { type: "enum", values: ["expected", "fault"] } },
          graphql: { query: "fail(how: String): Int" },
          handler({ params }: Context<{ how: string }>) {
            if (params.how === "fault") throw new Error("secret detail");
            throw new Errors.MoleculerClientError("No such note.", 404, "NOTE_NOT_FOUND", {});
          },
        },
      },
    });
    await eventually("the field", () => schemaHas("fail(how"));
    const errorOf = async (how: string) =>
      (await shop.graphql(`{ fail(how: "${how}") }`)).errors?.[0];
    expect(await errorOf("expected")).toMatchObject({
      message: "No such note.",
      extensions: { code: "NOTE_NOT_FOUND" },
    });
    expect(await errorOf("neither")).toMatchObject({ extensions: { code: "BAD_USER_INPUT" } });
    const fault = await errorOf("fault");
    expect(fault?.extensions.code).toBe("INTERNAL_SERVER_ERROR");
    expect(JSON.stringify(fault)).not.toContain("secret");
  });

  test("can be subscribed to by the tags that nodes publish", async () => {
    join({
      name: "bells",
      actions: {
        rung: {
          access: "everyone",
          graphql: {
            subscription: "bellRung(tower: String): String!",
            tags: ["bell"],
            filter: "bells.isOf",
          },
          handler: ({ params }: Context<{ payload: { sound: string } }>) => params.payload.sound,
        },
        isOf: {
          access: "everyone",
          handler: ({ params }: Context<{ tower?: string; payload: { tower: string } }>) =>
            params.tower === undefined || params.tower === params.payload.tower,
        },
      },
    });
    await eventually("the field", () => schemaHas("bellRung(tower"));
    const client = createClient({
      url: `${shop.url.replace("http", "ws")}/graphql`,
      webSocketImpl: WebSocket,
    });
    const results = client.iterate({ query: 'subscription { bellRung(tower: "north") }' });
    const first = results.next();
    await eventually("the subscription", () => subscriptionsTo(shop, "bell") === 1);
    for (const [tower, sound] of [
      ["south", "ding"],
      ["north", "dong"],
    ]) {
      await shop.broker.broadcast("graphql.publish", { tag: "bell", payload: { tower, sound } });
    }
    expect((await first).value).toEqual({ data: { bellRung: "dong" } });
    await client.dispose();
  });
});

describe("a service that does not fit is left out and logged, and the schema stays", () => {
  const query = (field: string) => ({
    access: "everyone",
    graphql: { query: field },
    handler: () => 1,
  });

  test.each<[string, Record<string, unknown>, string]>([
    [
      "a root field of the shop",
      { actions: { a: query("product(id: ID!): Int") } },
      "Query.product",
    ],
    [
      "a type of the shop",
      {
        settings: { graphql: { type: "type Order { id: Int }" } },
        actions: { a: query("x1: Int") },
      },
      "the type Order",
    ],
    [
      "a field of a type of the shop",
      {
        settings: { graphql: { type: "extend type Product { price: String }" } },
        actions: { a: query("x2: Int") },
      },
      "Product.price",
    ],
    [
      "a resolver of the shop",
      {
        settings: { graphql: { resolvers: { Query: { products: { action: "thief.a" } } } } },
        actions: { a: query("x3: Int") },
      },
      "Query.products",
    ],
    [
      "a value of an enum of the shop",
      { settings: { graphql: { enum: "enum ErrorCode { MINE }" } }, actions: {} },
      "ErrorCode",
    ],
    ["no GraphQL", { actions: { a: query("x4(: Int") } }, "Syntax Error"],
    ["an unknown type", { actions: { a: query("x5: Nowhere") } }, "Nowhere"],
  ])("%s", async (_what, schema, reason) => {
    const before = await (await fetch(`${shop.url}/schema.graphql`)).text();
    errorsLogged.length = 0;
    join({ name: "thief", ...schema });
    await eventually("the log line", () => errorsLogged.some((line) => line.includes(reason)));
    expect(errorsLogged.join("\n")).toContain("The GraphQL fields of thief are left out");
    expect(await (await fetch(`${shop.url}/schema.graphql`)).text()).toBe(before);
    expect((await shop.graphql("{ products { id } }")).errors).toBeUndefined();
  });
});

test("GRAPHQL_DISCOVERY=false keeps the schema as it is", async () => {
  const closed = await startTestShop({ GRAPHQL_DISCOVERY: "false" });
  try {
    closed.broker.createService(say("parrot", "everyone") as unknown as ServiceSchema);
    await closed.broker.waitForServices("parrot");
    const { errors } = await closed.graphql("{ parrot }");
    expect(errors?.[0]?.extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
  } finally {
    await closed.stop();
  }
});
