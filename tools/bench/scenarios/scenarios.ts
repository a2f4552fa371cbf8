import { get, post, type LoadRequest } from "../load/load.ts";
import { emailOf, password, type Stocked } from "../stock-shop.ts";

/** The same work as requests to the shop and to its baseline. */
export interface Scenario {
  name: string;
  inFlight: number;
  shop: LoadRequest[];
  baseline: LoadRequest[];
  /** The target of the ratio shop / baseline, if there is one. */
  target: number | undefined;
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

export function orderOf(id: string, token: string): LoadRequest {
  const body = { query: placeDocument, variables: { id } };
  return post(endpoint, body, '"price_total":5', token);
}

function loginOf(name: string, attempt: string, expected: string): LoadRequest {
  const variables = { input: { email: emailOf(name), password: attempt } };
  return post(endpoint, { query: loginDocument, variables }, expected);
}

/** Logins with a wrong password, for existing accounts and for one that does not exist. */
export function wrongLogins({ customers }: Stocked): LoadRequest[] {
  return [...customers, "nobody"].map((name) => loginOf(name, "wrong-password", ""));
}

/** Numbers of concurrent requests. */
const concurrencies = [64, 16, 1] as const;

/** Gives one scenario per number of requests in flight, each with its target. */
function atEachConcurrency(
  name: string,
  sides: Pick<Scenario, "shop" | "baseline">,
  targets: Partial<Record<(typeof concurrencies)[number], number>>,
): Scenario[] {
  return concurrencies.map((inFlight) => ({ name, inFlight, ...sides, target: targets[inFlight] }));
}

/** Gives every scenario of the shop in one process. */
export function scenarios({ productIds, customer, customers }: Stocked): Scenario[] {
  const { id: customerId, token } = customer;
  const [hot = ""] = productIds;
  const reads = {
    shop: productIds.map(readOf),
    baseline: productIds.map((id) => get(`/product/${id}`, id)),
  };
  const pages = {
    shop: [post(endpoint, { query: productsDocument }, '"name":"Mug ')],
    baseline: [get("/products", '"Mug 19"')],
  };
  const ordersOfCustomer = {
    shop: [post(endpoint, { query: ordersDocument }, '"Mug 39"', token)],
    baseline: [get(`/orders/${customerId}`, '"Mug 39"')],
  };
  const orders = {
    shop: productIds.map((id) => orderOf(id, token)),
    baseline: productIds.map((id) => get(`/order/${id}`, "id")),
  };
  const hotOrders = { shop: [orderOf(hot, token)], baseline: [get(`/order/${hot}`, "id")] };
  const logins = {
    shop: customers.map((name) => loginOf(name, password, '"token":"')),
    baseline: [get("/login", "true")],
  };
  return [
    ...atEachConcurrency("product by id", reads, { 64: 1.2 }),
    ...atEachConcurrency("20 products", pages, { 64: 0.8 }),
    ...atEachConcurrency("20 orders of a customer", ordersOfCustomer, { 64: 0.8 }),
    ...atEachConcurrency("placeOrder, 1,000 products", orders, { 64: 1, 1: 0.5 }),
    ...atEachConcurrency("placeOrder, one hot product", hotOrders, { 64: 4 }),
    { name: "login", inFlight: 16, ...logins, target: 0.9 },
  ];
}
