import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Answer } from "../../tools/support/graphql-client.ts";
import { fill, originalDocuments } from "../support/graphql/original-documents.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

interface User {
  id: string;
  email: string;
  username: string;
  type: number;
}

interface Product {
  id: string;
  name: string;
  description: string;
  price: number;
  stock: number;
}

interface Order {
  id: string;
  user_id: string;
  price_total: number;
  quantity: number;
  order_products: { product_id: string; quantity: number; price: number }[];
}

const { lists, singleItems, registerUser, login, placeOrder, createProduct, updateInventory } =
  originalDocuments;
const email = "admin@example.com";
const id = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/);

describe.each([
  { path: "/graphql", scheme: "" },
  { path: "/query", scheme: "Bearer " },
])("the original's documents on $path with the token prefix “$scheme”", ({ path, scheme }) => {
  let shop: TestShop;
  let token: string | undefined;
  let admin: User;
  let product: Product;
  let order: Order;

  beforeAll(async () => {
    shop = await startTestShop();
  });
  afterAll(() => shop.stop());

  /** Sends a document that must succeed. Returns the data of the response. */
  async function send<Data>(document: string): Promise<Data> {
    const authorization = token === undefined ? {} : { token: `${scheme}${token}` };
    const response = await shop.graphql<Data>(document, { path, ...authorization });
    expect(response).toMatchObject({ status: 200, data: expect.anything() });
    expect(response.errors).toBeUndefined();
    return response.data as Data;
  }

  const forAccount = (document: string, of = email) =>
    fill(fill(document, "EMAIL", of), "PASSWORD", password);

  test("register the first admin", async () => {
    const document = forAccount(registerUser).replace("type: 0 #", "type: 1 #");
    const data = await send<{ registerUser: User }>(document);
    expect(data).toEqual({ registerUser: { id, email, username: "USERNAME", type: 1 } });
    admin = data.registerUser;
  });

  test("register a customer", async () => {
    const customer = forAccount(registerUser, "customer@example.com");
    expect(await send(customer)).toMatchObject({ registerUser: { type: 0 } });
  });

  test("sign the admin in", async () => {
    const data = await send<{ login: { token: string } }>(forAccount(login));
    expect(data).toEqual({ login: { token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) } });
    token = data.login.token;
  });

  test("create a product", async () => {
    const data = await send<{ createProduct: Product }>(createProduct);
    const expected = { id, name: "NAME", description: "DESC", price: 1, stock: 1 };
    expect(data).toEqual({ createProduct: expected });
    product = data.createProduct;
  });

  test("add stock", async () => {
    const document = fill(updateInventory, "ID", product.id);
    expect(await send(document)).toEqual({ updateInventory: { success: true } });
    expect(await send(document)).toEqual({ updateInventory: { success: true } });
    expect((await send<{ products: Product[] }>(lists)).products).toMatchObject([{ stock: 3 }]);
  });

  test("subtract stock", async () => {
    const document = fill(updateInventory, "ID", product.id).replace("type: 1,", "type: 2,");
    expect(await send(document)).toEqual({ updateInventory: { success: true } });
    expect((await send<{ products: Product[] }>(lists)).products).toMatchObject([{ stock: 2 }]);
  });

  test("delete a product", async () => {
    const deleted = await send<{ createProduct: Product }>(createProduct);
    const document = fill(updateInventory, "ID", deleted.createProduct.id);
    const deletion = document.replace("type: 1,", "type: 3,");
    expect(await send(deletion)).toEqual({ updateInventory: { success: true } });
    expect((await send<{ products: Product[] }>(lists)).products).toHaveLength(1);
  });

  test("place an order", async () => {
    const data = await send<{ placeOrder: Order }>(fill(placeOrder, "PRODUCTID", product.id));
    expect(data).toEqual({
      placeOrder: {
        id,
        user_id: admin.id,
        quantity: 1,
        price_total: 1,
        order_products: [{ product_id: product.id, price: 1, quantity: 1 }],
      },
    });
    order = data.placeOrder;
  });

  test("return the three lists in one document", async () => {
    const customer = { id, email: "customer@example.com", username: "USERNAME", type: 0 };
    expect(await send(lists)).toEqual({
      users: [admin, customer],
      products: [{ ...product, stock: 1 }],
      orders: [{ id: order.id, user_id: admin.id, price_total: 1, quantity: 1 }],
    });
  });

  test("return the three single items in one document", async () => {
    const document = [admin.id, product.id, order.id].reduce(
      (rest, itemId) => fill(rest, "ID_STRING", itemId),
      singleItems,
    );
    expect(await send(document)).toEqual({ user: admin, product: { ...product, stock: 1 }, order });
  });

  test("return a query's data by GET, and status 405 for a mutation by GET", async () => {
    async function get(document: string): Promise<Omit<Answer, "code">> {
      const url = `${shop.url}${path}?query=${encodeURIComponent(document)}`;
      const response = await fetch(url, { headers: { authorization: `${scheme}${token ?? ""}` } });
      return { status: response.status, ...((await response.json()) as object) };
    }
    const response = await get(lists);
    expect(response).toEqual({ status: 200, data: await send(lists) });

    const mutation = fill(updateInventory, "ID", product.id);
    const rejected = await get(mutation);
    expect(rejected).toMatchObject({
      status: 405,
      errors: [{ extensions: { code: "BAD_REQUEST" } }],
    });
    expect(await send(lists)).toEqual(response.data);
  });
});
