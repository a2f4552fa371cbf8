import { get, post, type LoadRequest } from "../load/load.ts";
import type { Measurement } from "../report/results.ts";
import { emailOf, password, type Stocked } from "../shop/stock-shop.ts";

/** The same work as requests to the shop and to its baseline. */
export interface ScenarioRequests {
  shop: LoadRequest[];
  baseline: LoadRequest[];
}

const endpoint = "/graphql";
const productDocument = "query ($id: ID!) { product(id: $id) { id name description price stock } }";
const productsDocument = "{ products(limit: 20) { id name description price stock } }";
const ordersDocument = `{ orders(limit: 20) {
  id user_id price_total quantity order_products { product_id quantity price name } } }`;
const placeDocument = `mutation ($id: ID!) {
  placeOrder(input: { order_products: [{ product_id: $id, quantity: 1 }] }) { id price_total } }`;
const loginDocument = "mutation ($input: Login!) { login(input: $input) { token } }";

export function readOf(id: string): LoadRequest {
  return post(endpoint, { query: productDocument, variables: { id } }, `"id":"${id}"`);
}

export const pageOfProducts: LoadRequest = post(
  endpoint,
  { query: productsDocument },
  '"name":"Mug ',
);

export function orderOf(id: string, token: string): LoadRequest {
  const body = { query: placeDocument, variables: { id } };
  return post(endpoint, body, '"price_total":5', token);
}

export function loginOf(
  name: string,
  attempt: string = password,
  expected = '"token":"',
): LoadRequest {
  const variables = { input: { email: emailOf(name), password: attempt } };
  return post(endpoint, { query: loginDocument, variables }, expected);
}

/** Logins with a wrong password, for existing accounts and for one that does not exist. */
export function wrongLogins({ customers }: Stocked): LoadRequest[] {
  return [...customers, "nobody"].map((name) => loginOf(name, "wrong-password", ""));
}

export type ScenarioName =
  | "product by id"
  | "20 products"
  | "20 orders of a customer"
  | "placeOrder, 1,000 products"
  | "placeOrder, one hot product"
  | "login";

interface Definition {
  name: ScenarioName;
  /** Requests in flight, each with the target of its ratio if it has one. */
  loads: (readonly [inFlight: number, atLeast?: number])[];
}

const definitions: readonly Definition[] = [
  { name: "product by id", loads: [[64, 1.8], [16], [1]] },
  { name: "20 products", loads: [[64, 1.5], [16], [1]] },
  { name: "20 orders of a customer", loads: [[64, 1], [16], [1]] },
  { name: "placeOrder, 1,000 products", loads: [[64, 1.5], [16], [1, 0.6]] },
  { name: "placeOrder, one hot product", loads: [[64, 4], [16], [1]] },
  { name: "login", loads: [[16, 0.9]] },
];

export interface Scenario {
  name: ScenarioName;
  inFlight: number;
  measurement: Measurement;
}

/** The scenarios of the shop in one process. */
export const scenarios: readonly Scenario[] = definitions.flatMap(({ name, loads }) =>
  loads.map(([inFlight, atLeast]) => ({
    name,
    inFlight,
    measurement: {
      group: "Shop / baseline",
      name,
      inFlight,
      unit: "ratio" as const,
      ...(atLeast !== undefined && { target: { atLeast } }),
    },
  })),
);

/** Returns the requests of every scenario. */
export function requestsOf(stocked: Stocked): Record<ScenarioName, ScenarioRequests> {
  const { productIds, customer, customers } = stocked;
  const { id: customerId, token } = customer;
  const [hot = ""] = productIds;
  return {
    "product by id": {
      shop: productIds.map(readOf),
      baseline: productIds.map((id) => get(`/product/${id}`, id)),
    },
    "20 products": { shop: [pageOfProducts], baseline: [get("/products", '"Mug 19"')] },
    "20 orders of a customer": {
      shop: [post(endpoint, { query: ordersDocument }, '"Mug 39"', token)],
      baseline: [get(`/orders/${customerId}`, '"Mug 39"')],
    },
    "placeOrder, 1,000 products": {
      shop: productIds.map((id) => orderOf(id, token)),
      baseline: productIds.map((id) => get(`/order/${id}`, "id")),
    },
    "placeOrder, one hot product": {
      shop: [orderOf(hot, token)],
      baseline: [get(`/order/${hot}`, "id")],
    },
    login: {
      shop: customers.map((name) => loginOf(name)),
      baseline: [get("/login", "true")],
    },
  };
}
