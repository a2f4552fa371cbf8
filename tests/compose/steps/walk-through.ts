import assert from "node:assert/strict";
import type { HistoryWriter } from "../../../tools/verify/history-writer.ts";
import type { Kind, Kinds } from "../../../tools/verify/history.ts";
import type { Account } from "../../../tools/verify/workload/market.ts";
import { graphql } from "../../../tools/support/graphql-client.ts";
import { password } from "../../../tools/verify/workload/documents.ts";
import { fill, originalDocuments as documents } from "../../support/graphql/original-documents.ts";

interface Item {
  id: string;
  stock: number;
}

const email = "admin@example.com";
const forAccount = (document: string, of = email) =>
  fill(fill(document, "EMAIL", of), "PASSWORD", password);

/**
 * Sends the original's documents to an empty shop. Throws on an unexpected response. Writes the
 * mutations to the history, and returns the first admin.
 */
export async function walkThrough(url: string, history: HistoryWriter): Promise<Account> {
  let token = "";
  let user: string | null = null;
  let op = 0;

  async function send<Field>(document: string, field: string): Promise<Field> {
    const { status, data, errors } = await graphql<Record<string, Field>>(url, document, {
      ...(token !== "" && { token }),
    });
    assert.deepEqual({ status, errors }, { status: 200, errors: undefined });
    const value = data?.[field];
    assert(value !== undefined, `the response has no ${field}`);
    return value;
  }
  /** Sends a mutation, and writes it to the history. */
  async function change<K extends Kind>(kind: K, input: Kinds[K]["input"], document: string) {
    op -= 1;
    const startMs = history.nowMs;
    const field = /Stock$|^archive/.test(kind) ? "updateInventory" : kind;
    const answer = await send<Kinds[K]["answer"]>(document, field);
    history.write({
      line: "request",
      op,
      client: "walk-through",
      user,
      gateway: 0,
      kind,
      key: null,
      input,
      startMs,
      endMs: history.nowMs,
      outcome: "ok",
      answer,
    } as Parameters<HistoryWriter["write"]>[0]);
    return answer;
  }

  const username = "USERNAME";
  const { id } = await change(
    "registerUser",
    { email, username, type: 1 },
    forAccount(documents.registerUser).replace("type: 0 #", "type: 1 #"),
  );
  const customer = { email: "customer@example.com", username, type: 0 };
  await change("registerUser", customer, forAccount(documents.registerUser, customer.email));
  const signedIn = await send<{ token: string }>(forAccount(documents.login), "login");
  token = signedIn.token;
  user = id;

  const newProduct = { name: "NAME", price: 1, stock: 1 };
  const product = await change("createProduct", newProduct, documents.createProduct);
  const inventory = fill(documents.updateInventory, "ID", product.id);
  const onePiece = { product_id: product.id, number: 1 };
  await change("addStock", onePiece, inventory);
  await change("addStock", onePiece, inventory);
  await change("subtractStock", onePiece, inventory.replace("type: 1,", "type: 2,"));
  const deleted = await change("createProduct", newProduct, documents.createProduct);
  const deletion = fill(documents.updateInventory, "ID", deleted.id).replace(
    "type: 1,",
    "type: 3,",
  );
  await change("archiveProduct", { product_id: deleted.id }, deletion);

  const lines = [{ product_id: product.id, quantity: 1 }];
  const placing = fill(documents.placeOrder, "PRODUCTID", product.id);
  const order = await change("placeOrder", { lines }, placing);
  const expected = { id: order.id, user_id: id, quantity: 1, price_total: 1 };
  assert.deepEqual(order, { ...expected, order_products: [{ ...lines[0], price: 1 }] });

  assert.equal((await send<Item[]>(documents.lists, "users")).length, 2);
  const products = await send<Item[]>(documents.lists, "products");
  assert.deepEqual(
    products.map(({ stock, ...rest }) => [rest.id, stock]),
    [[product.id, 1]],
  );
  assert.deepEqual(await send(documents.lists, "orders"), [expected]);
  const single = [id, product.id, order.id].reduce(
    (rest, itemId) => fill(rest, "ID_STRING", itemId),
    documents.singleItems,
  );
  assert.deepEqual(await send(single, "order"), order);
  assert.equal((await send<Item>(single, "user")).id, id);
  assert.equal((await send<Item>(single, "product")).stock, 1);
  return { id, token, isAdmin: true };
}
