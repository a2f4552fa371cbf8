import { eventually } from "../../support/eventually.ts";
import { post, type LoadRequest } from "../load/load.ts";
import { emailOf, password } from "../shop/stock-shop.ts";

/** The requests of the tasks to Vendure. */
export interface VendureRequests {
  product: LoadRequest[];
  search: LoadRequest[];
  products: LoadRequest[];
  login: LoadRequest[];
  /** Each is the whole checkout of one order. Consecutive ones are of different customers. */
  order: LoadRequest[];
}

const path = "/shop-api";
const indexWithinMs = 600_000;
const orderOrError = "{ __typename ... on Order { code state } ... on ErrorResult { message } }";
const documents = {
  product:
    "query ($id: ID!) { product(id: $id) { id name description variants { price stockLevel } } }",
  search: `{ search(input: { take: 20, groupByProduct: true }) { items {
    productId productName description price { ... on SinglePrice { value } ... on PriceRange { min } } inStock } } }`,
  products:
    "{ products(options: { take: 20 }) { items { id name description variants { price stockLevel } } } }",
  login: `mutation ($username: String!, $password: String!) {
    login(username: $username, password: $password) { __typename ... on CurrentUser { id } } }`,
  addItem: `mutation ($id: ID!) { addItemToOrder(productVariantId: $id, quantity: 1) ${orderOrError} }`,
  setAddress: `mutation ($input: CreateAddressInput!) { setOrderShippingAddress(input: $input) ${orderOrError} }`,
  setMethod: `mutation ($id: [ID!]!) { setOrderShippingMethod(shippingMethodId: $id) ${orderOrError} }`,
  arrange: `mutation { transitionOrderToState(state: "ArrangingPayment") ${orderOrError} }`,
  pay: `mutation ($input: PaymentInput!) { addPaymentToOrder(input: $input) ${orderOrError} }`,
  register: `mutation ($input: RegisterCustomerInput!) {
    registerCustomerAccount(input: $input) { __typename } }`,
};
const address = {
  fullName: "A Customer",
  streetLine1: "1 Street",
  city: "Berlin",
  postalCode: "10115",
  countryCode: "DE",
};

/** Registers customers, builds the search index, and builds the requests of all tasks. */
export async function prepareVendure(
  port: number,
  customerNames: readonly string[],
): Promise<VendureRequests> {
  const api = new VendureApi(`http://127.0.0.1:${port}`);
  await buildSearchIndex(api);
  const tokens: string[] = [];
  for (const name of customerNames) tokens.push(await signUp(api, name));
  const products = await allProducts(api);
  const methodId = await shippingMethodId(api, tokens[0] ?? "", products[0]?.variants[0]?.id ?? "");
  return {
    product: products.map(({ id }) => request(documents.product, `"id":"${id}"`, { id })),
    search: [request(documents.search, '"productName":"Mug ')],
    products: [request(documents.products, '"name":"Mug ')],
    login: customerNames.map((name) =>
      request(documents.login, "CurrentUser", { username: emailOf(name), password }),
    ),
    order: products
      // A multiple of the number of customers, so that no customer has two orders in flight.
      .slice(0, products.length - (products.length % tokens.length))
      .map(({ variants }, index) =>
        checkoutOf(variants[0]?.id ?? "", methodId, tokens[index % tokens.length] ?? ""),
      ),
  };
}

/** The requests by which a storefront places an order that is paid. */
function checkoutOf(id: string, methodId: string, token: string): LoadRequest {
  const step = (document: string, variables: object, expected: string) =>
    request(document, expected, variables, token);
  const payment = { method: "dummy-payment", metadata: {} };
  return {
    ...step(documents.addItem, { id }, '"Order"'),
    followedBy: [
      step(documents.setAddress, { input: address }, '"Order"'),
      step(documents.setMethod, { id: [methodId] }, '"Order"'),
      step(documents.arrange, {}, '"ArrangingPayment"'),
      step(documents.pay, { input: payment }, '"PaymentSettled"'),
    ],
  };
}

function request(query: string, expected: string, variables = {}, token?: string): LoadRequest {
  return post(path, { query, variables }, expected, token);
}

interface Sent<Data> {
  data: Data;
  token: string;
}

/** Sends single requests to Vendure. */
class VendureApi {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Sends a document. Returns its data, and the token of a new session. */
  async send<Data = unknown>(
    query: string,
    variables: object = {},
    { token = "", api = path } = {},
  ): Promise<Sent<Data>> {
    const response = await fetch(`${this.#url}${api}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token !== "" && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data?: Data; errors?: unknown };
    if (data === undefined || errors !== undefined) {
      throw new Error(`Vendure rejected ${query}: ${JSON.stringify(errors)}`);
    }
    return { data, token: response.headers.get("vendure-auth-token") ?? "" };
  }
}

async function buildSearchIndex(api: VendureApi): Promise<void> {
  const { token } = await api.send(
    documents.login,
    { username: "admin", password },
    { api: "/admin-api" },
  );
  const admin = { token, api: "/admin-api" };
  const { data } = await api.send<{ reindex: { id: string } }>(
    "mutation { reindex { id } }",
    {},
    admin,
  );
  const state = await eventually(
    "the search index of Vendure",
    async () => {
      const { data: found } = await api.send<{ job: { state: string; error: unknown } | null }>(
        "query ($id: ID!) { job(jobId: $id) { state error } }",
        { id: data.reindex.id },
        admin,
      );
      const job = JSON.stringify(found.job);
      if (/PENDING|RUNNING|RETRYING/.test(job)) throw new Error(job);
      return job;
    },
    { everyMs: 500, withinMs: indexWithinMs },
  );
  if (!state.includes("COMPLETED")) throw new Error(`Vendure has no search index: ${state}`);
}

async function signUp(api: VendureApi, name: string): Promise<string> {
  const input = { emailAddress: emailOf(name), firstName: "A", lastName: name, password };
  await api.send(documents.register, { input });
  return (await api.send(documents.login, { username: emailOf(name), password })).token;
}

interface Product {
  id: string;
  variants: { id: string }[];
}

async function allProducts(api: VendureApi): Promise<Product[]> {
  const products: Product[] = [];
  for (;;) {
    const { data } = await api.send<{ products: { items: Product[] } }>(
      "query ($skip: Int!) { products(options: { skip: $skip, take: 50 }) { items { id variants { id } } } }",
      { skip: products.length },
    );
    if (data.products.items.length === 0) return products;
    products.push(...data.products.items);
  }
}

/** Returns the id of the shipping method. The customer keeps the item that this needs in the basket. */
async function shippingMethodId(api: VendureApi, token: string, id: string): Promise<string> {
  await api.send(documents.addItem, { id }, { token });
  await api.send(documents.setAddress, { input: address }, { token });
  const { data } = await api.send<{ eligibleShippingMethods: { id: string }[] }>(
    "{ eligibleShippingMethods { id } }",
    {},
    { token },
  );
  const [method] = data.eligibleShippingMethods;
  if (method === undefined) throw new Error("Vendure has no shipping method");
  return method.id;
}
