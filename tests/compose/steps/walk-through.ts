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
/** The number of the last operation of a walk-through: those of later steps are below it. */
export const lastOpOfWalkThrough = -100;

/**
 * Sends the original's documents to an empty shop. Throws on an unexpected response. Writes the
 * mutations to the history, and returns the first admin.
 */
export async function walkThrough(url: string, history: HistoryWriter): Promise<Account> {
  const walk = new Walk(url, history);
  const admin = await openAccounts(walk);
  const productId = await fillCatalogue(walk);
  await orderAndRead(walk, admin.id, productId);
  return admin;
}

/** A client that sends one document after the other. */
class Walk {
  readonly #url: string;
  readonly #history: HistoryWriter;
  #account: Account | undefined;
  #op = 0;

  constructor(url: string, history: HistoryWriter) {
    this.#url = url;
    this.#history = history;
  }

  /** Sends the next requests as this account. */
  signIn(account: Account): void {
    this.#account = account;
  }

  async send<Field>(document: string, field: string): Promise<Field> {
    const token = this.#account?.token;
    const { status, data, errors } = await graphql<Record<string, Field>>(this.#url, document, {
      ...(token !== undefined && { token }),
    });
    assert.deepEqual({ status, errors }, { status: 200, errors: undefined });
    const value = data?.[field];
    assert(value !== undefined, `the response has no ${field}`);
    return value;
  }

  /** Sends a mutation, and writes it to the history. */
  async change<K extends Kind>(kind: K, input: Kinds[K]["input"], document: string) {
    this.#op -= 1;
    assert(this.#op > lastOpOfWalkThrough, "the walk-through has too many operations");
    const startMs = this.#history.nowMs;
    const field = /Stock$|^archive/.test(kind) ? "updateInventory" : kind;
    const answer = await this.send<Kinds[K]["answer"]>(document, field);
    this.#history.write({
      line: "request",
      op: this.#op,
      client: "walk-through",
      user: this.#account?.id ?? null,
      gateway: 0,
      kind,
      key: null,
      input,
      startMs,
      endMs: this.#history.nowMs,
      outcome: "ok",
      answer,
    } as Parameters<HistoryWriter["write"]>[0]);
    return answer;
  }
}

/** Registers an admin and a customer, and signs in as the admin. */
async function openAccounts(walk: Walk): Promise<Account> {
  const username = "USERNAME";
  const { id } = await walk.change(
    "registerUser",
    { email, username, type: 1 },
    forAccount(documents.registerUser).replace("type: 0 #", "type: 1 #"),
  );
  const customer = { email: "customer@example.com", username, type: 0 };
  await walk.change("registerUser", customer, forAccount(documents.registerUser, customer.email));
  const { token } = await walk.send<{ token: string }>(forAccount(documents.login), "login");
  const admin = { id, token, isAdmin: true };
  walk.signIn(admin);
  return admin;
}

/** Creates a product with one piece, and one that it deletes again. Returns the id of the first. */
async function fillCatalogue(walk: Walk): Promise<string> {
  const newProduct = { name: "NAME", price: 1, stock: 1 };
  const { id } = await walk.change("createProduct", newProduct, documents.createProduct);
  const inventory = fill(documents.updateInventory, "ID", id);
  const onePiece = { product_id: id, number: 1 };
  await walk.change("addStock", onePiece, inventory);
  await walk.change("addStock", onePiece, inventory);
  await walk.change("subtractStock", onePiece, inventory.replace("type: 1,", "type: 2,"));
  const deleted = await walk.change("createProduct", newProduct, documents.createProduct);
  const deletion = fill(documents.updateInventory, "ID", deleted.id).replace(
    "type: 1,",
    "type: 3,",
  );
  await walk.change("archiveProduct", { product_id: deleted.id }, deletion);
  return id;
}

/** Places an order, and reads what is in the shop now. */
async function orderAndRead(walk: Walk, userId: string, productId: string): Promise<void> {
  const lines = [{ product_id: productId, quantity: 1 }];
  const placing = fill(documents.placeOrder, "PRODUCTID", productId);
  const order = await walk.change("placeOrder", { lines }, placing);
  const expected = { id: order.id, user_id: userId, quantity: 1, price_total: 1 };
  assert.deepEqual(order, { ...expected, order_products: [{ ...lines[0], price: 1 }] });

  assert.equal((await walk.send<Item[]>(documents.lists, "users")).length, 2);
  const products = await walk.send<Item[]>(documents.lists, "products");
  assert.deepEqual(
    products.map(({ id, stock }) => [id, stock]),
    [[productId, 1]],
  );
  assert.deepEqual(await walk.send(documents.lists, "orders"), [expected]);
  const single = [userId, productId, order.id].reduce(
    (rest, itemId) => fill(rest, "ID_STRING", itemId),
    documents.singleItems,
  );
  assert.deepEqual(await walk.send(single, "order"), order);
  assert.equal((await walk.send<Item>(single, "user")).id, userId);
  assert.equal((await walk.send<Item>(single, "product")).stock, 1);
}
