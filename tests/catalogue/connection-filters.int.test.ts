import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ConnectionReader, type Asked } from "../support/http/connections.ts";
import { eventually } from "../../tools/support/eventually.ts";
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

/** The names of the products that are found, in the order of the page. */
async function namesFor(asked: Asked): Promise<string[]> {
  return (await products.page(asked)).nodes.map(({ name }) => name);
}

async function counted(shop: TestShop, field: string, args: string, token?: string) {
  const { data, errors } = await shop.graphql<Record<string, object>>(
    `{ ${field}${args} { totalCount totalCountIsExact } }`,
    { token },
  );
  expect(errors).toBeUndefined();
  return data?.[field];
}

describe("a search for products finds", () => {
  test.each([
    ["a word of the name or the description, in any letters", "blue", [0, 1, 2]],
    ["all words wherever they stand", "litre mug blue", [0]],
    ["the beginning of the last word", "blue lit", [0, 2]],
    ["no beginning of a word before it", "blu mug", []],
    ["parts of words with hyphens", "pot", [2]],
    ["words beside points and slashes", "example pots", [2]],
    ["digits beside points", "5 litres", [2]],
    ["letters that are not English", "ärmel", [3]],
    ["capitals of such letters", "ÄRMEL", [3]],
    ["words with apostrophes", "o'brien's", [3]],
    ["words in quotation marks", '"best"', [3]],
    ["other scripts", "赤い", [4]],
    ["nothing by signs that are no words", "%", []],
    ["nothing by underscores", "_", []],
    ["nothing by what could be SQL", "'; DROP TABLE products; --", []],
    ["words between operators, which are none here", "blue | !mug & (", [0, 1]],
    ["nothing by backslashes", "\\", []],
    ["nothing by a word that is nowhere", "saucer", []],
    ["everything when it is empty", "", [0, 1, 2, 3, 4, 5]],
    ["everything when it is blank", "  ", [0, 1, 2, 3, 4, 5]],
  ])("%s", async (_what, search, places) => {
    expect(await namesFor({ search })).toEqual(places.map((place) => catalogue[place]?.[0]));
  });
});

describe("products can be held to", () => {
  const nameAt = (place: number) => catalogue[place]?.[0];

  test.each<[string, object, number[]]>([
    ["prices from one on", { price_min: 900 }, [2, 3, 4]],
    ["prices up to one", { price_max: 500 }, [0, 5]],
    ["prices between two", { price_min: 500, price_max: 900 }, [0, 1, 3, 4]],
    ["a range that is none", { price_min: 900, price_max: 500 }, []],
    ["those in stock", { in_stock: true }, [0, 2, 3, 5]],
    ["those sold out", { in_stock: false }, [1, 4]],
    ["prices and stock at once", { price_min: 900, in_stock: true }, [2, 3]],
    ["no ids", { ids: [] }, []],
    ["nothing", {}, [0, 1, 2, 3, 4, 5]],
  ])("%s, in every order", async (_what, filter, places) => {
    const expected = places.map(nameAt);
    expect(await namesFor({ filter })).toEqual(expected);
    expect(await namesFor({ filter, sort: "NEWEST_FIRST" })).toEqual(expected.toReversed());
    for (const sort of ["PRICE_ASC", "PRICE_DESC", "NAME_ASC", "NAME_DESC"]) {
      expect(new Set(await namesFor({ filter, sort }))).toEqual(new Set(expected));
      const walked = await products.forwards(2, { filter, sort });
      expect(walked.map(({ name }) => name)).toEqual(await namesFor({ filter, sort }));
    }
  });

  test("ids, in the order that is asked for", async () => {
    const all = await products.ids({});
    const ids = [all[3], all[0], "01900000-0000-7000-8000-000000000000"];
    expect(await products.ids({ filter: { ids } })).toEqual([all[0], all[3]]);
    expect(await products.ids({ filter: { ids }, sort: "PRICE_DESC" })).toEqual([all[3], all[0]]);
  });

  test("a search and prices at once", async () => {
    const filter = { price_min: 600, in_stock: true };
    expect(await namesFor({ search: "blue", filter })).toEqual(["Tea-pot"]);
    expect(
      await namesFor({ search: "blue", filter: { price_max: 700 }, sort: "PRICE_DESC" }),
    ).toEqual(["Green mug", "Blue mug"]);
  });

  test.each([
    ["price_min", { price_min: -1 }],
    ["ids[0]", { ids: ["mug"] }],
    ["ids", { ids: Array.from({ length: 101 }, () => "01900000-0000-7000-8000-000000000000") }],
  ])("no %s that is none", async (field, filter) => {
    await expect(products.page({ filter })).rejects.toThrow(`"field":"${field}"`);
  });
});

test("a product that leaves the catalogue is on no page", async () => {
  const id = await putOnSale(shop, 5, 3, "Short-lived");
  expect(await products.ids({ search: "short" })).toEqual([id]);
  await shop.call("products.updateInventory", { id, type: 3, number: 0 });
  expect(await products.ids({ search: "short" })).toEqual([]);
  expect(await products.ids({ filter: { ids: [id] } })).toEqual([]);
  for (const sort of ["OLDEST_FIRST", "NAME_ASC", "PRICE_ASC"]) {
    expect(await products.ids({ sort })).not.toContain(id);
  }
});

test("what is sold out is in stock again when it comes back", async () => {
  const id = await putOnSale(shop, 1, 3, "Scarce");
  const inStock = () => products.ids({ search: "scarce", filter: { in_stock: true } });
  expect(await inStock()).toEqual([id]);
  await placeOrder(shop, ann.token, [id, 1]);
  expect(await inStock()).toEqual([]);
  await shop.call("products.updateInventory", { id, type: 1, number: 1 });
  expect(await inStock()).toEqual([id]);
});

describe("orders", () => {
  let placed: Order[];
  let between: string;

  beforeAll(async () => {
    const mug = await putOnSale(shop, 100, 10);
    for (const [buyer, quantity] of [
      [ann, 1],
      [bob, 2],
      [ann, 3],
    ] as const) {
      await placeOrder(shop, buyer.token, [mug, quantity]);
      // Ids hold milliseconds.
      const now = Date.now();
      await eventually("the clock goes on", () => Date.now() > now, { everyMs: 1 });
      if (quantity === 2) between = new Date().toISOString();
    }
    const { nodes } = await orders.page({
      sort: "OLDEST_FIRST",
      filter: { price_total_min: 10, placed_from: "2020-01-01T00:00Z" },
    });
    placed = nodes;
    await shop.call("orders.cancel", { id: placed[0]?.id });
  });
  const at = (...places: number[]) => places.map((place) => placed[place]?.id);

  test("of all can be held to a user, a status, and times", async () => {
    expect(placed).toHaveLength(3);
    const status = "CANCELLED";
    expect(await orders.ids({ filter: { user_id: bob.id } })).toEqual(at(1));
    expect(await orders.ids({ filter: { status } })).toEqual(at(0));
    expect(await orders.ids({ filter: { status, user_id: bob.id } })).toEqual([]);
    expect(await orders.ids({ filter: { status, user_id: ann.id } })).toEqual(at(0));
    expect(await orders.ids({ filter: { placed_from: between } })).toEqual(at(2));
    const ofAnn = { user_id: ann.id, price_total_min: 10 };
    expect(await orders.ids({ filter: { ...ofAnn, placed_before: between } })).toEqual(at(0));
    expect(await orders.ids({ filter: { ...ofAnn, status: "PLACED" } })).toEqual(at(2));
  });

  test("have prices that can be looked for among a user's, or from a time on", async () => {
    const filter = { price_total_min: 20, price_total_max: 29 };
    expect(await orders.ids({ filter: { ...filter, user_id: bob.id } })).toEqual(at(1));
    expect(await orders.ids({ filter: { ...filter, user_id: ann.id } })).toEqual([]);
    const placed_from = "2020-01-01T00:00:00.000+02:00";
    expect(await orders.ids({ filter: { ...filter, placed_from } })).toEqual(at(1));
    await expect(orders.page({ filter })).rejects.toThrow('"field":"price_total_min"');
  });

  test.each(["yesterday", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00"])(
    "of a time that is none are refused: %s",
    async (placed_from) => {
      await expect(orders.page({ filter: { placed_from } })).rejects.toThrow(
        '"field":"placed_from"',
      );
    },
  );

  test("of customers are their own, and no filter shows them others'", async () => {
    const own = new ConnectionReader<Order>(shop, "ordersConnection", ann.token);
    const seen = await own.page({});
    expect(new Set(seen.nodes.map(({ user_id }) => user_id))).toEqual(new Set([ann.id]));
    expect(await own.ids({ filter: { user_id: ann.id } })).toEqual(await own.ids({}));
    const filter = { status: "PLACED", placed_from: "2020-01-01T00:00Z", price_total_min: 0 };
    expect(await own.ids({ filter })).not.toContain(placed[1]?.id);
    await expect(own.page({ filter: { user_id: bob.id } })).rejects.toThrow("FORBIDDEN");
    const count = `(filter: { user_id: "${bob.id}" })`;
    const { code } = await shop.graphql(`{ ordersConnection${count} { totalCount } }`, {
      token: ann.token,
    });
    expect(code).toBe("FORBIDDEN");
    expect(await counted(shop, "ordersConnection", "", bob.token)).toEqual({
      totalCount: 1,
      totalCountIsExact: true,
    });
  });
});

describe("a search for users finds", () => {
  test.each([
    ["the beginnings of usernames, in any letters", { search: "aNN" }, ["Ann", "annabel"]],
    ["the beginnings of emails", { search: "BOB_50%@ex" }, ["bob_50%"]],
    ["a username that is not the email's beginning", { search: "ZOË ä" }, ["Zoë Ärmel"]],
    ["an email that is not the username's", { search: "Quent" }, ["Zoë Ärmel"]],
    ["nothing in the middle", { search: "example" }, []],
    ["signs as what they are", { search: "bob_50%" }, ["bob_50%"]],
    ["no signs in others' place", { search: "bob%" }, []],
    [
      "everybody when it is empty",
      { search: "" },
      ["admin", "Ann", "bob_50%", "annabel", "Zoë Ärmel"],
    ],
    ["those of a type", { search: "a", filter: { type: 0 } }, ["Ann", "annabel"]],
    ["admins", { search: "a", filter: { type: 1 } }, ["admin"]],
  ])("%s", async (_what, asked, usernames) => {
    expect((await users.page(asked)).nodes.map(({ username }) => username)).toEqual(usernames);
  });

  test.each([
    [0, ["Ann", "annabel", "bob_50%", "Zoë Ärmel"]],
    [1, ["admin"]],
  ])("nobody but those of type %d where that is all that is asked for", async (type, usernames) => {
    const { nodes } = await users.page({ filter: { type }, sort: "USERNAME_ASC" });
    expect(nodes.map(({ username }) => username)).toEqual(usernames);
  });
});

describe("how many there are", () => {
  test("is counted by the filter", async () => {
    const exactly = (totalCount: number) => ({ totalCount, totalCountIsExact: true });
    const { length } = await products.ids({ first: 100 });
    expect(await counted(shop, "productsConnection", "")).toEqual(exactly(length));
    const blue = '(search: "blue", first: 1)';
    expect(await counted(shop, "productsConnection", blue)).toEqual(exactly(3));
    const dear = '(search: " ", filter: { price_min: 900 }, last: 0)';
    expect(await counted(shop, "productsConnection", dear)).toEqual(exactly(3));
    const admins = "(filter: { type: 1 })";
    expect(await counted(shop, "usersConnection", admins, admin.token)).toEqual(exactly(1));
    const cancelled = "(filter: { status: CANCELLED })";
    expect(await counted(shop, "ordersConnection", cancelled, admin.token)).toEqual(exactly(1));
  });
});
