import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ConnectionReader, type PageArguments } from "../support/http/connections.ts";
import { timeOfId } from "../../core/ids/ids.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { unknownId } from "../support/graphql/mutations.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

interface Product {
  id: string;
  name: string;
  price: number;
  stock: number;
}

interface Order {
  id: string;
  user_id: string;
  price_total: number;
  status: string;
}

interface User {
  id: string;
  username: string;
}

let shop: TestShop;
let admin: { id: string; token: string };
let ann: { id: string; token: string };
let bob: { id: string; token: string };
let products: ConnectionReader<Product>;
let orders: ConnectionReader<Order>;
let users: ConnectionReader<User>;

/** Name, description, price and stock. */
const catalogue: [string, string, number, number][] = [
  ["Blue mug", "Holds half a litre", 500, 3],
  ["Green mug", "Like the BLUE one", 700, 0],
  ["Tea-pot", "Blue, 1.5 litres; see shop.example/pots", 2_500, 1],
  ["Ärmelschoner", "O'Brien's \"best\" \\ 100%_pure", 900, 5],
  ["赤いマグ", "🫖 & co", 900, 0],
  ["%", "_", 1, 1],
];

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("admin", 1);
  ann = await shop.signIn("Ann");
  bob = await shop.signIn("bob_50%");
  await shop.signIn("annabel");
  const zoe = { username: "Zoë Ärmel", email: "quentin@example.com", type: 0 };
  await shop.call("users.register", { ...zoe, password });
  products = new ConnectionReader(shop, "productsConnection");
  orders = new ConnectionReader(shop, "ordersConnection", admin.token);
  users = new ConnectionReader(shop, "usersConnection", admin.token);
  for (const [name, description, price, stock] of catalogue) {
    await shop.call("products.create", { name, description, price, stock });
  }
});
afterAll(() => shop.stop());

/** Returns the names of the products on the page. */
async function namesFor(options: PageArguments): Promise<string[]> {
  return (await products.page(options)).nodes.map(({ name }) => name);
}

/** Returns the total count of a connection and whether it is exact. */
async function countOf(shop: TestShop, field: string, args: string, token?: string) {
  const { data, errors } = await shop.graphql<Record<string, object>>(
    `{ ${field}${args} { totalCount totalCountIsExact } }`,
    { token },
  );
  expect(errors).toBeUndefined();
  return data?.[field];
}

describe("a product search", () => {
  test.each([
    ["finds a word of the name or the description in any letter case", "blue", [0, 1, 2]],
    ["requires all words, in any order", "litre mug blue", [0]],
    ["matches the last word as a prefix", "blue lit", [0, 2]],
    ["does not match earlier words as prefixes", "blu mug", []],
    ["finds a part of a hyphenated word", "pot", [2]],
    ["finds words next to dots and slashes", "example pots", [2]],
    ["finds digits next to a dot", "5 litres", [2]],
    ["finds letters outside ASCII", "ärmel", [3]],
    ["finds letters outside ASCII in any letter case", "ÄRMEL", [3]],
    ["finds words with apostrophes", "o'brien's", [3]],
    ["finds words in quotation marks", '"best"', [3]],
    ["finds words in other scripts", "赤い", [4]],
    ["finds nothing for a percent sign", "%", []],
    ["finds nothing for an underscore", "_", []],
    ["finds nothing for injected SQL", "'; DROP TABLE products; --", []],
    ["ignores operators between words", "blue | !mug & (", [0, 1]],
    ["finds nothing for a backslash", "\\", []],
    ["finds nothing for a word that no product has", "saucer", []],
    ["finds everything for an empty text", "", [0, 1, 2, 3, 4, 5]],
    ["finds everything for a blank text", "  ", [0, 1, 2, 3, 4, 5]],
  ])("%s", async (_title, search, indexes) => {
    expect(await namesFor({ search })).toEqual(indexes.map((index) => catalogue[index]?.[0]));
  });
});

describe("a product filter", () => {
  const nameAt = (index: number) => catalogue[index]?.[0];

  test.each<[string, object, number[]]>([
    ["by a minimum price", { price_min: 900 }, [2, 3, 4]],
    ["by a maximum price", { price_max: 500 }, [0, 5]],
    ["by a price range", { price_min: 500, price_max: 900 }, [0, 1, 3, 4]],
    ["by an empty price range", { price_min: 900, price_max: 500 }, []],
    ["by products in stock", { in_stock: true }, [0, 2, 3, 5]],
    ["by sold-out products", { in_stock: false }, [1, 4]],
    ["by price and stock", { price_min: 900, in_stock: true }, [2, 3]],
    ["by an empty list of ids", { ids: [] }, []],
    ["without conditions", {}, [0, 1, 2, 3, 4, 5]],
  ])("%s returns the matching products in every sort order", async (_title, filter, indexes) => {
    const expected = indexes.map(nameAt);
    expect(await namesFor({ filter })).toEqual(expected);
    expect(await namesFor({ filter, sort: "NEWEST_FIRST" })).toEqual(expected.toReversed());
    for (const sort of ["PRICE_ASC", "PRICE_DESC", "NAME_ASC", "NAME_DESC"]) {
      expect(new Set(await namesFor({ filter, sort }))).toEqual(new Set(expected));
      const paged = await products.forwards(2, { filter, sort });
      expect(paged.map(({ name }) => name)).toEqual(await namesFor({ filter, sort }));
    }
  });

  test("by ids returns the known products in the requested sort order", async () => {
    const all = await products.ids({});
    const ids = [all[3], all[0], unknownId];
    expect(await products.ids({ filter: { ids } })).toEqual([all[0], all[3]]);
    expect(await products.ids({ filter: { ids }, sort: "PRICE_DESC" })).toEqual([all[3], all[0]]);
  });

  test("by price and stock can be combined with a search", async () => {
    const filter = { price_min: 600, in_stock: true };
    expect(await namesFor({ search: "blue", filter })).toEqual(["Tea-pot"]);
    expect(
      await namesFor({ search: "blue", filter: { price_max: 700 }, sort: "PRICE_DESC" }),
    ).toEqual(["Green mug", "Blue mug"]);
  });

  test.each([
    ["price_min", { price_min: -1 }],
    ["ids[0]", { ids: ["mug"] }],
    ["ids", { ids: Array.from({ length: 101 }, () => unknownId) }],
  ])("with an invalid %s is rejected", async (field, filter) => {
    await expect(products.page({ filter })).rejects.toThrow(`"field":"${field}"`);
  });
});

test("a deleted product appears on no page", async () => {
  const id = await putOnSale(shop, 5, 3, "Short-lived");
  expect(await products.ids({ search: "short" })).toEqual([id]);
  await shop.call("products.updateInventory", { id, type: 3, number: 0 });
  expect(await products.ids({ search: "short" })).toEqual([]);
  expect(await products.ids({ filter: { ids: [id] } })).toEqual([]);
  for (const sort of ["OLDEST_FIRST", "NAME_ASC", "PRICE_ASC"]) {
    expect(await products.ids({ sort })).not.toContain(id);
  }
});

test("a sold-out product counts as in stock again after it is restocked", async () => {
  const id = await putOnSale(shop, 1, 3, "Scarce");
  const inStock = () => products.ids({ search: "scarce", filter: { in_stock: true } });
  expect(await inStock()).toEqual([id]);
  await placeOrder(shop, ann.token, [id, 1]);
  expect(await inStock()).toEqual([]);
  await shop.call("products.updateInventory", { id, type: 1, number: 1 });
  expect(await inStock()).toEqual([id]);
});

describe("a filter of orders", () => {
  let placed: Order[];
  let timeBetween: string;

  beforeAll(async () => {
    const mug = await putOnSale(shop, 100, 10);
    for (const [buyer, quantity] of [
      [ann, 1],
      [bob, 2],
      [ann, 3],
    ] as const) {
      await placeOrder(shop, buyer.token, [mug, quantity]);
      // Ids have a resolution of a millisecond, so the next order needs a later one.
      const now = Date.now();
      await eventually("the clock advances", () => Date.now() > now, { everyMs: 1 });
      if (quantity === 2) timeBetween = new Date().toISOString();
    }
    const { nodes } = await orders.page({
      sort: "OLDEST_FIRST",
      filter: { price_total_min: 10, placed_from: "2020-01-01T00:00Z" },
    });
    placed = nodes;
    await shop.call("orders.cancel", { id: placed[0]?.id });
  });
  const idsAt = (...indexes: number[]) => indexes.map((index) => placed[index]?.id);

  test("selects by user, status and time for an admin", async () => {
    expect(placed).toHaveLength(3);
    const status = "CANCELLED";
    expect(await orders.ids({ filter: { user_id: bob.id } })).toEqual(idsAt(1));
    expect(await orders.ids({ filter: { status } })).toEqual(idsAt(0));
    expect(await orders.ids({ filter: { status, user_id: bob.id } })).toEqual([]);
    expect(await orders.ids({ filter: { status, user_id: ann.id } })).toEqual(idsAt(0));
    expect(await orders.ids({ filter: { placed_from: timeBetween } })).toEqual(idsAt(2));
    const ofAnn = { user_id: ann.id, price_total_min: 10 };
    expect(await orders.ids({ filter: { ...ofAnn, placed_before: timeBetween } })).toEqual(
      idsAt(0),
    );
    expect(await orders.ids({ filter: { ...ofAnn, status: "PLACED" } })).toEqual(idsAt(2));
  });

  test("selects by a time between two milliseconds", async () => {
    const [, second, third] = placed;
    const after = `${timeOfId(second?.id ?? "").slice(0, -1)}5Z`;
    expect(after).toMatch(/\.\d{3}5Z$/);
    expect(await orders.ids({ filter: { placed_from: after } })).toEqual([third?.id]);
    expect(await orders.ids({ filter: { placed_before: after } })).toContain(second?.id);
  });

  test("selects by total price only together with a user or a start time", async () => {
    const filter = { price_total_min: 20, price_total_max: 29 };
    expect(await orders.ids({ filter: { ...filter, user_id: bob.id } })).toEqual(idsAt(1));
    expect(await orders.ids({ filter: { ...filter, user_id: ann.id } })).toEqual([]);
    const placed_from = "2020-01-01T00:00:00.000+02:00";
    expect(await orders.ids({ filter: { ...filter, placed_from } })).toEqual(idsAt(1));
    await expect(orders.page({ filter })).rejects.toThrow('"field":"price_total_min"');
  });

  test.each(["yesterday", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00"])(
    "rejects the invalid time %s",
    async (placed_from) => {
      await expect(orders.page({ filter: { placed_from } })).rejects.toThrow(
        '"field":"placed_from"',
      );
    },
  );

  test("never shows a customer the orders of other users", async () => {
    const ownOrders = new ConnectionReader<Order>(shop, "ordersConnection", ann.token);
    const page = await ownOrders.page({});
    expect(new Set(page.nodes.map(({ user_id }) => user_id))).toEqual(new Set([ann.id]));
    expect(await ownOrders.ids({ filter: { user_id: ann.id } })).toEqual(await ownOrders.ids({}));
    const filter = { status: "PLACED", placed_from: "2020-01-01T00:00Z", price_total_min: 0 };
    expect(await ownOrders.ids({ filter })).not.toContain(placed[1]?.id);
    await expect(ownOrders.page({ filter: { user_id: bob.id } })).rejects.toThrow("FORBIDDEN");
    const count = `(filter: { user_id: "${bob.id}" })`;
    const { code } = await shop.graphql(`{ ordersConnection${count} { totalCount } }`, {
      token: ann.token,
    });
    expect(code).toBe("FORBIDDEN");
    expect(await countOf(shop, "ordersConnection", "", bob.token)).toEqual({
      totalCount: 1,
      totalCountIsExact: true,
    });
  });
});

describe("a user search", () => {
  test.each([
    ["finds prefixes of usernames in any letter case", { search: "aNN" }, ["Ann", "annabel"]],
    ["finds prefixes of emails", { search: "BOB_50%@ex" }, ["bob_50%"]],
    ["finds a username that differs from the email", { search: "ZOË ä" }, ["Zoë Ärmel"]],
    ["finds an email that differs from the username", { search: "Quent" }, ["Zoë Ärmel"]],
    ["does not match in the middle of a word", { search: "example" }, []],
    ["matches percent signs and underscores literally", { search: "bob_50%" }, ["bob_50%"]],
    ["does not treat percent signs as wildcards", { search: "bob%" }, []],
    [
      "finds everyone for an empty text",
      { search: "" },
      ["admin", "Ann", "bob_50%", "annabel", "Zoë Ärmel"],
    ],
    ["can be restricted to customers", { search: "a", filter: { type: 0 } }, ["Ann", "annabel"]],
    ["can be restricted to admins", { search: "a", filter: { type: 1 } }, ["admin"]],
  ])("%s", async (_title, options, usernames) => {
    expect((await users.page(options)).nodes.map(({ username }) => username)).toEqual(usernames);
  });

  test.each([
    [0, ["Ann", "annabel", "bob_50%", "Zoë Ärmel"]],
    [1, ["admin"]],
  ])("can be replaced by a filter for type %d alone", async (type, usernames) => {
    const { nodes } = await users.page({ filter: { type }, sort: "USERNAME_ASC" });
    expect(nodes.map(({ username }) => username)).toEqual(usernames);
  });
});

test("totalCount counts the rows that match search and filter", async () => {
  const exactly = (totalCount: number) => ({ totalCount, totalCountIsExact: true });
  const { length } = await products.ids({ first: 100 });
  expect(await countOf(shop, "productsConnection", "")).toEqual(exactly(length));
  const blue = '(search: "blue", first: 1)';
  expect(await countOf(shop, "productsConnection", blue)).toEqual(exactly(3));
  const expensive = '(search: " ", filter: { price_min: 900 }, last: 0)';
  expect(await countOf(shop, "productsConnection", expensive)).toEqual(exactly(3));
  const admins = "(filter: { type: 1 })";
  expect(await countOf(shop, "usersConnection", admins, admin.token)).toEqual(exactly(1));
  const cancelled = "(filter: { status: CANCELLED })";
  expect(await countOf(shop, "ordersConnection", cancelled, admin.token)).toEqual(exactly(1));
});
