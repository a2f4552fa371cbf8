import type { ServiceBroker } from "moleculer";
import { userType } from "../../core/access.ts";
import type { Progress } from "../../core/progress.ts";
import type { Product } from "../../services/products/products.contract.ts";
import type { User } from "../../services/users/users.contract.ts";
import { adminEmail, customerNames, demoProducts, emailOf, seededRandom } from "./demo-data.ts";
import { placePastOrders } from "./demo-orders.ts";
import { showStep } from "./demo-progress.ts";

const pageRows = 100;

/** Adds the accounts, products and orders of the demo that are missing. Returns what was missing. */
export async function fillShop(
  broker: ServiceBroker,
  users: readonly User[],
  password: string,
  progress: Progress,
) {
  const emails: string[] = [];
  const existing = new Map(users.map((user) => [user.email, user]));
  const register = async (email: string, username: string, type: number) => {
    const found = existing.get(email);
    if (found) return found;
    emails.push(email);
    return broker.call<User, object>("users.register", { email, username, password, type });
  };
  await register(adminEmail, "admin", userType.admin);
  const customers: User[] = [];
  for (const [index, name] of customerNames.entries()) {
    showStep(progress, "registering customers", index, customerNames.length);
    customers.push(await register(emailOf(name), name, userType.default));
  }
  const addedProducts = await addProducts(broker, progress);
  const products = await existingProducts(broker);
  const market = { broker, random: seededRandom(), customers, products };
  const orders = await placePastOrders(market, progress);
  return { added: { emails, products: addedProducts, orders }, market };
}

/** Adds the missing products. Returns their number. */
async function addProducts(broker: ServiceBroker, progress: Progress): Promise<number> {
  const existingSkus = new Set((await existingProducts(broker)).map(({ sku }) => sku));
  const missing = demoProducts().filter(({ sku }) => !existingSkus.has(sku));
  for (const [index, product] of missing.entries()) {
    showStep(progress, "creating products", index, missing.length);
    await broker.call("products.create", product);
  }
  return missing.length;
}

/** Returns the products of the demo. An admin can have renamed them: their SKUs stay. */
async function existingProducts(broker: ServiceBroker): Promise<Product[]> {
  const skus = new Set<string | null>(demoProducts().map(({ sku }) => sku));
  const products = await allRows<Product>(broker, "products.list");
  return products.filter(({ sku }) => skus.has(sku));
}

/** Returns all rows of an action that lists them in pages. */
export async function allRows<Row extends { id: string }>(
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
