import { get, post, type LoadRequest } from "../load/load.ts";
import { emailOf, password, type Stocked } from "../stock-shop.ts";

/** The same work asked of the shop and of its floor. */
export interface Scenario {
  name: string;
  inFlight: number;
  shop: LoadRequest[];
  floor: LoadRequest[];
  /** What the ratio of the two is to reach, where that is stated. */
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

function signInOf(name: string, tried: string, expected: string): LoadRequest {
  const variables = { input: { email: emailOf(name), password: tried } };
  return post(endpoint, { query: loginDocument, variables }, expected);
}

/** Wrong passwords, for accounts that there are and for others. */
export function wrongLogins({ customers }: Stocked): LoadRequest[] {
  return [...customers, "nobody"].map((name) => signInOf(name, "wrong-password", ""));
}

/** Requests under way at a time: one, some, and many. */
const load = [64, 16, 1] as const;

/** One row for each number of requests in flight, with what is to be reached there. */
function underLoad(
  name: string,
  sides: Pick<Scenario, "shop" | "floor">,
  targets: Partial<Record<(typeof load)[number], number>>,
): Scenario[] {
  return load.map((inFlight) => ({ name, inFlight, ...sides, target: targets[inFlight] }));
}

/** Every scenario of one process beside its floor. */
export function scenarios({ productIds, customer, customers }: Stocked): Scenario[] {
  const { id: customerId, token } = customer;
  const [hot = ""] = productIds;
  const reads = {
    shop: productIds.map(readOf),
    floor: productIds.map((id) => get(`/product/${id}`, id)),
  };
  const pages = {
    shop: [post(endpoint, { query: productsDocument }, '"name":"Mug ')],
    floor: [get("/products", '"Mug 19"')],
  };
  const ordersOfCustomer = {
    shop: [post(endpoint, { query: ordersDocument }, '"Mug 39"', token)],
    floor: [get(`/orders/${customerId}`, '"Mug 39"')],
  };
  const orders = {
    shop: productIds.map((id) => orderOf(id, token)),
    floor: productIds.map((id) => get(`/order/${id}`, "id")),
  };
  const hotOrders = { shop: [orderOf(hot, token)], floor: [get(`/order/${hot}`, "id")] };
  const logins = {
    shop: customers.map((name) => signInOf(name, password, '"token":"')),
    floor: [get("/login", "true")],
  };
  return [
    ...underLoad("product by id", reads, { 64: 1.2 }),
    ...underLoad("20 products", pages, { 64: 0.8 }),
    ...underLoad("20 orders of a customer", ordersOfCustomer, { 64: 0.8 }),
    ...underLoad("placeOrder, 1,000 products", orders, { 64: 1, 1: 0.5 }),
    ...underLoad("placeOrder, one hot product", hotOrders, { 64: 4 }),
    { name: "login", inFlight: 16, ...logins, target: 0.9 },
  ];
}
