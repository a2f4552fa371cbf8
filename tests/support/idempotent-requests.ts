import { expect } from "@jest/globals";
import type { Answer } from "../../tools/support/graphql-client.ts";
import type { TestShop } from "./shop.ts";

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
