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
])("the original's walk-through on $path, with “$scheme” before the token", ({ path, scheme }) => {
  let shop: TestShop;
  let token: string | undefined;
  let admin: User;
  let product: Product;
  let order: Order;

  beforeAll(async () => {
    shop = await startTestShop();
  });
  afterAll(() => shop.stop());

  /** Sends a document of the original, and gives what it answers without any errors. */
  async function send<Data>(document: string): Promise<Data> {
    const authorization = token === undefined ? {} : { token: `${scheme}${token}` };
    const answer = await shop.graphql<Data>(document, { path, ...authorization });
    expect(answer).toMatchObject({ status: 200, data: expect.anything() });
    expect(answer.errors).toBeUndefined();
    return answer.data as Data;
  }

  const forAccount = (document: string, of = email) =>
    fill(fill(document, "EMAIL", of), "PASSWORD", password);

  test("registers the first admin", async () => {
    const document = forAccount(registerUser).replace("type: 0 #", "type: 1 #");
    const data = await send<{ registerUser: User }>(document);
    expect(data).toEqual({ registerUser: { id, email, username: "USERNAME", type: 1 } });
    admin = data.registerUser;
  });

  test("registers a customer", async () => {
    const customer = forAccount(registerUser, "customer@example.com");
    expect(await send(customer)).toMatchObject({ registerUser: { type: 0 } });
  });

  test("signs in", async () => {
    const data = await send<{ login: { token: string } }>(forAccount(login));
    expect(data).toEqual({ login: { token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) } });
    token = data.login.token;
  });

  test("creates a product", async () => {
    const data = await send<{ createProduct: Product }>(createProduct);
    const expected = { id, name: "NAME", description: "DESC", price: 1, stock: 1 };
    expect(data).toEqual({ createProduct: expected });
    product = data.createProduct;
  });

  test("adds to the inventory", async () => {
    const document = fill(updateInventory, "ID", product.id);
    expect(await send(document)).toEqual({ updateInventory: { success: true } });
    expect(await send(document)).toEqual({ updateInventory: { success: true } });
    expect((await send<{ products: Product[] }>(lists)).products).toMatchObject([{ stock: 3 }]);
  });

  test("subtracts from the inventory", async () => {
    const document = fill(updateInventory, "ID", product.id).replace("type: 1,", "type: 2,");
    expect(await send(document)).toEqual({ updateInventory: { success: true } });
    expect((await send<{ products: Product[] }>(lists)).products).toMatchObject([{ stock: 2 }]);
  });

  test("deletes a product", async () => {
    const doomed = await send<{ createProduct: Product }>(createProduct);
    const document = fill(updateInventory, "ID", doomed.createProduct.id);
    const deletion = document.replace("type: 1,", "type: 3,");
    expect(await send(deletion)).toEqual({ updateInventory: { success: true } });
    expect((await send<{ products: Product[] }>(lists)).products).toHaveLength(1);
  });

  test("places an order", async () => {
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

  test("answers the three lists in one document", async () => {
    const customer = { id, email: "customer@example.com", username: "USERNAME", type: 0 };
    expect(await send(lists)).toEqual({
      users: [admin, customer],
      products: [{ ...product, stock: 1 }],
      orders: [{ id: order.id, user_id: admin.id, price_total: 1, quantity: 1 }],
    });
  });

  test("answers the three single items in one document", async () => {
    const document = [admin.id, product.id, order.id].reduce(
      (rest, itemId) => fill(rest, "ID_STRING", itemId),
      singleItems,
    );
    expect(await send(document)).toEqual({ user: admin, product: { ...product, stock: 1 }, order });
  });

  test("answers a query by GET, and refuses a mutation by GET", async () => {
    async function get(document: string): Promise<Omit<Answer, "code">> {
      const url = `${shop.url}${path}?query=${encodeURIComponent(document)}`;
      const response = await fetch(url, { headers: { authorization: `${scheme}${token ?? ""}` } });
      return { status: response.status, ...((await response.json()) as object) };
    }
    const answer = await get(lists);
    expect(answer).toEqual({ status: 200, data: await send(lists) });

    const mutation = fill(updateInventory, "ID", product.id);
    const refused = await get(mutation);
    expect(refused).toMatchObject({
      status: 405,
      errors: [{ extensions: { code: "BAD_REQUEST" } }],
    });
    expect(await send(lists)).toEqual(answer.data);
  });
});
