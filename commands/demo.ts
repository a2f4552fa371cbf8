import { productErrors } from "../services/products/products.contract.ts";
import { randomBytes } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { userType } from "../core/access.ts";
import { isPrivate, loadConfig, singleProcessDefaults } from "../config/config.ts";
import { domainServices } from "../services/registry.ts";
import { hasCode } from "../core/errors.ts";
import { StartError } from "../embedded/data-dir.ts";
import type { ListedOrder, Order } from "../services/orders/orders.contract.ts";
import type { Product } from "../services/products/products.contract.ts";
import type { User } from "../services/users/users.contract.ts";
import { joinShop } from "./join.ts";
import { interruptedStatus, runProgram, stopOnSignals } from "./program.ts";
import { startSingleProcess } from "./single-process.ts";

/** A public password: only for a shop that is private and empty, or already has it. */
const publishedPassword = "demo-password";
const adminEmail = "admin@example.com";
const customerCount = 20;
const productCount = 300;
const ordersPerCustomer = 3;
const pageRows = 100;
const servicesWithinMs = 10_000;

/**
 * `npm run demo`: adds an admin, customers, products and orders to a running shop, or to the shop
 * on DATA_DIR. A second run adds only what is missing.
 */
await runProgram(async () => {
  const config = { ...loadConfig(singleProcessDefaults), metricsPort: undefined };
  const joined = await joinShop(config, "demo");
  const opening = joined ?? startSingleProcess(config, domainServices).then((shop) => shop.broker);
  stopOnSignals(async () => (await opening).stop(), interruptedStatus);
  const broker = await opening;
  try {
    await broker.waitForServices([...domainServices], servicesWithinMs).catch(() => {
      throw new StartError(
        "Some of the shop's services are not running; start them and try again.",
      );
    });
    const mayBePublished = joined ? await isShopPrivate(broker) : isPrivate(config);
    const users = await all<User>(broker, "users.list");
    const isPublished = mayBePublished && (await isEmptyOrDemo(broker, users));
    const password = isPublished ? publishedPassword : randomBytes(15).toString("base64url");
    const added = await fill(broker, users, password);
    process.stdout.write(
      `Demo data: ${added.emails.length} users, ${added.products} products and ${added.orders} orders added.\n` +
        `${isPublished ? `Sign in as ${adminEmail} or customer1@example.com with "${password}".` : signInHint(added.emails, password)}\n`,
    );
  } finally {
    await broker.stop();
  }
});

/** Returns true if all nodes of the joined shop announce that they are private. */
async function isShopPrivate(broker: ServiceBroker): Promise<boolean> {
  const nodes = await broker.call<{ local: boolean; metadata?: { isPrivate?: boolean } }[], object>(
    "$node.list",
    {},
    { nodeID: broker.nodeID },
  );
  const others = nodes.filter(({ local }) => !local);
  return others.length > 0 && others.every(({ metadata }) => metadata?.isPrivate === true);
}

/** Returns true if there is no account yet, or the demo's admin has the published password. */
async function isEmptyOrDemo(broker: ServiceBroker, users: readonly User[]): Promise<boolean> {
  if (users.length === 0) return true;
  const hasAdmin = users.some(({ email, type }) => email === adminEmail && type === userType.admin);
  if (!hasAdmin) return false;
  const input = { email: adminEmail, password: publishedPassword };
  return broker.call("users.login", input).then(
    () => true,
    () => false,
  );
}

function signInHint([first]: readonly string[], password: string): string {
  if (first === undefined) return "No account was added; passwords are unchanged.";
  return `The new accounts, ${first} and so on, have the random password "${password}", because others may reach this shop, or it was in use already. It is not shown again.`;
}

async function fill(broker: ServiceBroker, users: readonly User[], password: string) {
  const emails: string[] = [];
  const customers: User[] = [];
  const existing = new Map(users.map((user) => [user.email, user]));
  const register = async (name: string, type: number) => {
    const email = `${name}@example.com`;
    const found = existing.get(email);
    if (found) return found;
    emails.push(email);
    return broker.call<User, object>("users.register", { email, username: name, password, type });
  };
  await register("admin", userType.admin);
  for (let n = 1; n <= customerCount; n += 1) {
    customers.push(await register(`customer${n}`, userType.default));
  }

  const names = new Set((await all<Product>(broker, "products.list")).map(({ name }) => name));
  const demoCatalogue = demoProducts();
  const missing = demoCatalogue.filter(({ name }) => !names.has(name));
  for (const product of missing) await broker.call("products.create", product);

  let orders = 0;
  const demoNames = new Set(demoCatalogue.map(({ name }) => name));
  const catalogue = (await all<Product>(broker, "products.list")).filter(({ name }) =>
    demoNames.has(name),
  );
  for (const [index, customer] of customers.entries()) {
    const [placed = []] = await broker.call<ListedOrder[][], object>("orders.ofUsers", {
      ids: [customer.id],
    });
    for (let n = placed.length; n < ordersPerCustomer; n += 1) {
      if (await placeDemoOrder(broker, customer, catalogue, index * ordersPerCustomer + n))
        orders += 1;
    }
  }
  return { emails, products: missing.length, orders };
}

/** Places an order of two products. Returns false if one is out of stock. */
async function placeDemoOrder(
  broker: ServiceBroker,
  { id }: User,
  catalogue: Product[],
  number: number,
): Promise<boolean> {
  const order_products = [number * 7, number * 7 + 3].map((position) => ({
    product_id: catalogue[position % catalogue.length]?.id,
    quantity: 1 + (position % 3),
  }));
  try {
    await broker.call<Order, object>("orders.place", { user_id: id, order_products });
    return true;
  } catch (error) {
    if (hasCode(error, productErrors.OUT_OF_STOCK)) return false;
    throw error;
  }
}

/** Returns a deterministic catalogue: all combinations of kinds, materials and sizes. */
function demoProducts() {
  const kinds = [
    "Mug",
    "Lamp",
    "Chair",
    "Notebook",
    "Backpack",
    "Kettle",
    "Blanket",
    "Clock",
    "Vase",
    "Bowl",
  ];
  const materials = ["Oak", "Steel", "Linen", "Glass", "Clay", "Wool"];
  const sizes = ["XS", "S", "M", "L", "XL"];
  const products = kinds.flatMap((kind, k) =>
    materials.flatMap((material, m) =>
      sizes.map((size, s) => ({
        name: `${material} ${kind} ${size}`,
        description: `A ${kind.toLowerCase()} of ${material.toLowerCase()}, size ${size}.`,
        price: 490 + k * 700 + m * 310 + s * 150,
        stock: 20 + ((k * 31 + m * 17 + s * 7) % 180),
      })),
    ),
  );
  return products.slice(0, productCount);
}

async function all<Row extends { id: string }>(
  broker: ServiceBroker,
  action: string,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (;;) {
    const after = rows.at(-1)?.id;
    const page = await broker.call<Row[], object>(action, { limit: pageRows, after });
    rows.push(...page);
    if (page.length < pageRows) return rows;
  }
}
