import { get, post, type Shot } from "./load/load.ts";
import { emailOf, password, type Stocked } from "./stock-shop.ts";

/** The same work asked of the shop and of its floor. */
export interface Scenario {
  name: string;
  inFlight: number;
  shop: Shot[];
  floor: Shot[];
  /** What the ratio of the two is to reach. */
  target: number;
}

const endpoint = "/graphql";
const productDocument = "query ($id: ID!) { product(id: $id) { id name description price stock } }";
const productsDocument = "{ products(limit: 20) { id name description price stock } }";
const ordersDocument = `{ orders(limit: 20) {
  id user_id price_total quantity order_products { product_id quantity price name } } }`;
const placeDocument = `mutation ($id: ID!) {
  placeOrder(input: { order_products: [{ product_id: $id, quantity: 1 }] }) { id price_total } }`;
const loginDocument = "mutation ($input: Login!) { login(input: $input) { token } }";

export function readOf(id: string): Shot {
  return post(endpoint, { query: productDocument, variables: { id } }, `"id":"${id}"`);
}

export function orderOf(id: string, token: string): Shot {
  const body = { query: placeDocument, variables: { id } };
  return post(endpoint, body, '"price_total":5', token);
}

function signInOf(name: string, tried: string, expected: string): Shot {
  const variables = { input: { email: emailOf(name), password: tried } };
  return post(endpoint, { query: loginDocument, variables }, expected);
}

/** Wrong passwords, for accounts that there are and for others. */
export function wrongLogins({ customers }: Stocked): Shot[] {
  return [...customers, "nobody"].map((name) => signInOf(name, "wrong-password", ""));
}

/** Every scenario of one process beside its floor. */
export function scenarios({ productIds, customer, customers }: Stocked): Scenario[] {
  const { id: customerId, token } = customer;
  const [hot = ""] = productIds;
  const reads = {
    shop: productIds.map(readOf),
    floor: productIds.map((id) => get(`/product/${id}`, id)),
  };
  const orders = {
    shop: productIds.map((id) => orderOf(id, token)),
    floor: productIds.map((id) => get(`/order/${id}`, "id")),
  };
  return [
    { name: "product by id", inFlight: 64, ...reads, target: 1.2 },
    { name: "product by id", inFlight: 16, ...reads, target: 1.2 },
    { name: "product by id", inFlight: 1, ...reads, target: 0.5 },
    {
      ...{ name: "20 products", inFlight: 64, target: 0.8 },
      shop: [post(endpoint, { query: productsDocument }, '"Mug 19"')],
      floor: [get("/products", '"Mug 19"')],
    },
    {
      ...{ name: "20 orders of a customer", inFlight: 64, target: 0.8 },
      shop: [post(endpoint, { query: ordersDocument }, '"Mug 39"', token)],
      floor: [get(`/orders/${customerId}`, '"Mug 39"')],
    },
    { name: "placeOrder, 1,000 products", inFlight: 64, ...orders, target: 1 },
    { name: "placeOrder, 1,000 products", inFlight: 1, ...orders, target: 0.5 },
    {
      ...{ name: "placeOrder, one hot product", inFlight: 64, target: 4 },
      shop: [orderOf(hot, token)],
      floor: [get(`/order/${hot}`, "id")],
    },
    {
      ...{ name: "login", inFlight: 16, target: 0.9 },
      shop: customers.map((name) => signInOf(name, password, '"token":"')),
      floor: [get("/login", "true")],
    },
  ];
}
