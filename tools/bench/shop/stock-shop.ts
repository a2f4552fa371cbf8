import { graphql } from "../../support/graphql-client.ts";

export interface Customer {
  id: string;
  token: string;
}

/** The data that the scenarios use. */
export interface Stocked {
  customer: Customer;
  /** Names of the customers that the login scenario signs in. */
  customers: string[];
  productIds: string[];
}

export const defaultProducts = 1_000;
const ordersOfCustomer = 20;
/** At least as many as sign in concurrently: login attempts of one account are serialized. */
const customerCount = 64;
export const password = "bench-password";
/** Mutations in one document. */
const perDocument = 20;

/** Fills an empty shop through its API: an admin, customers, products, and orders of one customer. */
export async function stockShop(port: number, products = defaultProducts): Promise<Stocked> {
  const url = `http://127.0.0.1:${port}`;
  const adminToken = await createAdmin(url);
  const productIds: string[] = [];
  for (let first = 0; first < products; first += perDocument) {
    productIds.push(...(await createProducts(url, adminToken, first)));
  }
  const customer = await signUp(url, "customer", adminToken);
  for (let n = 0; n < ordersOfCustomer; n += 1) {
    const [a = "", b = ""] = [productIds[n * 2], productIds[n * 2 + 1]];
    const lines = [a, b].map((product) => `{ product_id: "${product}", quantity: 1 }`).join(" ");
    const document = `mutation { placeOrder(input: { order_products: [${lines}] }) { id } }`;
    await execute(url, document, customer.token);
  }
  const customers = Array.from({ length: customerCount }, (_, n) => `customer${n}`);
  for (const name of customers) await signUp(url, name, adminToken);
  return { customer, customers, productIds };
}

/** Registers the first admin of an empty shop. Returns an access token. */
export async function createAdmin(url: string): Promise<string> {
  await register(url, "admin", 1);
  return signIn(url, "admin");
}

/** Registers and signs in a customer. An admin registers it because admins have no registration limit. */
export async function signUp(url: string, name: string, adminToken: string): Promise<Customer> {
  const id = await register(url, name, 0, adminToken);
  return { id, token: await signIn(url, name) };
}

export const emailOf = (name: string): string => `${name}@bench.example`;

async function register(url: string, name: string, type: number, token?: string): Promise<string> {
  const input = `email: "${emailOf(name)}", username: "${name}", password: "${password}", type: ${type}`;
  const { registerUser } = await execute(
    url,
    `mutation { registerUser(input: { ${input} }) { id } }`,
    token,
  );
  return String(registerUser?.id);
}

async function signIn(url: string, name: string): Promise<string> {
  const input = `email: "${emailOf(name)}", password: "${password}"`;
  const { login } = await execute(
    url,
    `mutation { login(input: { ${input} }) { token } }`,
    undefined,
  );
  return String(login?.token);
}

async function createProducts(url: string, token: string, first: number): Promise<string[]> {
  const fields = Array.from({ length: perDocument }, (_, index) => {
    const n = first + index;
    const input = `name: "Mug ${n}", description: "A mug, number ${n}", price: 5, stock: 100000000`;
    return `p${n}: createProduct(input: { ${input} }) { id }`;
  });
  const created = await execute(url, `mutation { ${fields.join(" ")} }`, token);
  return Object.values(created).map(({ id }) => String(id));
}

async function execute(url: string, document: string, token: string | undefined) {
  const { data, errors } = await graphql(url, document, { token });
  if (!data || errors) throw new Error(`the shop rejected ${document}: ${JSON.stringify(errors)}`);
  return data;
}
