import { expect } from "@jest/globals";
import type { Answer } from "../../tools/support/graphql-client.ts";
import { password, type TestShop } from "./shop.ts";

let keys = 0;
/** A key that no request has had yet. */
export const newKey = () => `key-${(keys += 1)}`;

interface KeyedRequest {
  key: string;
  token?: string | undefined;
}

/** Sends a document with an `Idempotency-Key`. */
export function send(shop: TestShop, document: string, { key, token }: KeyedRequest) {
  return shop.graphql(document, { token, headers: { "idempotency-key": key } });
}

/** The data of an answer that has to be none but good. */
export function dataOf(answer: Answer): Answer["data"] {
  expect(answer.errors).toBeUndefined();
  return answer.data;
}

/** The mutations, as documents. */
export const register = (name: string, type = 0) =>
  `mutation { registerUser(input: { email: "${name}@example.com", username: "${name}",
     password: "${password}", type: ${type} }) { id email username type } }`;
export const create = (name: string) =>
  `mutation { createProduct(input: { name: "${name}", description: "", price: 5, stock: 3 }) {
     id name description price stock } }`;
export const update = (id: string, number: number, type = 1) =>
  `mutation { updateInventory(input: { id: "${id}", type: ${type}, number: ${number} }) {
     success } }`;
export const place = (id: string, quantity: number) =>
  `mutation { placeOrder(input: {
     order_products: [{ product_id: "${id}", quantity: ${quantity} }] }) {
     id user_id price_total quantity status order_products { product_id quantity price } } }`;
export const cancel = (id: string) => `mutation { cancelOrder(id: "${id}") { id status } }`;
