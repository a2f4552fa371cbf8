import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import type { ServiceBroker } from "moleculer";
import { userType } from "../core/access.ts";
import { isPrivate, type Config } from "../config/config.ts";
import type { Product } from "../services/products/products.contract.ts";
import type { User } from "../services/users/users.contract.ts";
import { Progress } from "../core/progress.ts";
import { CommandError } from "../core/command-error.ts";
import { adminEmail, customerNames, demoProducts, emailOf, seededRandom } from "./demo-data.ts";
import { goOnLive, placePastOrders } from "./demo-orders.ts";
import { withShop } from "./node/operator-shop.ts";
import { runProgram } from "./process/program.ts";
import { urlOf } from "./node/welcome.ts";

/** A public password: only for a shop that is private and empty. */
const publishedPassword = "demo-password";
const pageRows = 100;
const [firstCustomer = ""] = customerNames;
const signIns = `${adminEmail} (admin) or ${emailOf(firstCustomer)} (customer)`;

/**
 * `npm run demo`: adds an admin, customers, products and orders to a running shop, or to the shop
 * on DATA_DIR. A second run adds only what is missing. With `--live` it then goes on ordering.
 */
await runProgram(async () => {
  const { isLive } = readArguments(process.argv.slice(2));
  const progress = new Progress();
  await withShop("demo", progress, async ({ broker, config, isJoined }) => {
    if (isLive && !isJoined) {
      throw new CommandError(
        "No shop runs on DATA_DIR. Run npm start, and the demo in a second terminal.",
      );
    }
    const users = await all<User>(broker, "users.list");
    const others = isJoined ? await otherNodes(broker) : [];
    const mayBePublished = isJoined ? isShopPrivate(others) : isPrivate(config);
    const isPublished = mayBePublished && users.length === 0;
    const password = isPublished ? publishedPassword : randomBytes(15).toString("base64url");
    const { added, market } = await fill(broker, users, password, progress);
    progress.end();
    const lines = [
      `Demo data: ${added.emails.length} users, ${added.products} products and ${added.orders} orders added.`,
      placeOf(config, isJoined, others),
      isPublished
        ? `Sign in as ${signIns} with "${password}".`
        : signInHint(added.emails, password, mayBePublished),
    ];
    process.stdout.write(`${lines.join("\n")}\n`);
    if (!isLive) return;
    process.stdout.write("The demo goes on ordering. Ctrl-C stops it.\n");
    await goOnLive(market, (line) => process.stdout.write(`${line}\n`));
  });
});

/** Parses the command line. Throws a CommandError. */
function readArguments(args: string[]): { isLive: boolean } {
  try {
    const { values } = parseArgs({ args, options: { live: { type: "boolean" } } });
    return { isLive: values.live ?? false };
  } catch (error) {
    throw new CommandError(`${(error as Error).message} Usage: npm run demo [-- --live]`);
  }
}

/** A node of a shop, with what it announces to others. */
interface ShopNode {
  local: boolean;
  metadata?: { isPrivate?: boolean; gateway?: { host: string; port: number; page?: string } };
}

/** Returns the sentence about where the data are, and how to see them. */
function placeOf(config: Config, isRunning: boolean, others: readonly ShopNode[]): string {
  const { nats, dataDir, port } = config;
  if (nats) return `They are in the databases of the cluster at ${nats.servers.join(", ")}.`;
  const place = `They are in ${dataDir}.`;
  if (!isRunning) {
    const page = config.console ? "/console" : "/";
    const url = port === 0 ? "the address that it prints" : `${urlOf(config, port)}${page}`;
    return `${place} npm start opens the shop at ${url}.`;
  }
  // The settings of this command need not be those of the running shop.
  const gateway = others.flatMap(({ metadata }) => metadata?.gateway ?? [])[0];
  if (gateway === undefined) return place;
  const { page = "/" } = gateway;
  return `${place} The shop is at ${urlOf(gateway, gateway.port)}${page}.`;
}

/** Returns the nodes of the joined shop. */
async function otherNodes(broker: ServiceBroker): Promise<ShopNode[]> {
  const nodes = await broker.call<ShopNode[], object>("$node.list", {}, { nodeID: broker.nodeID });
  return nodes.filter(({ local }) => !local);
}

/** Returns true if all nodes of a shop announce that they are private. */
function isShopPrivate(others: readonly ShopNode[]): boolean {
  return others.length > 0 && others.every(({ metadata }) => metadata?.isPrivate === true);
}

/**
 * Says with which password the accounts sign in. The demo does not try the published one on accounts
 * of an earlier run: each try would be a login, or a rejected login, in the audit trail.
 */
function signInHint([first]: readonly string[], password: string, mayBePublished: boolean): string {
  if (first !== undefined) {
    return `The new accounts, ${first} and so on, have the random password "${password}", because others may reach this shop, or it was in use already. It is not shown again.`;
  }
  const unchanged = "No account was added; passwords are unchanged.";
  if (!mayBePublished) return unchanged;
  return `${unchanged} Sign in as ${signIns} with "${publishedPassword}", unless the first run printed another password.`;
}

async function fill(
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
    const detail = `${index} of ${customerNames.length}`;
    progress.show({
      name: "registering customers",
      detail,
      share: (0.3 * index) / customerNames.length,
    });
    customers.push(await register(emailOf(name), name, userType.default));
  }

  // An admin can rename a product of the demo: its SKU stays.
  const demoCatalogue = demoProducts();
  const existingSkus = new Set((await all<Product>(broker, "products.list")).map(({ sku }) => sku));
  const missing = demoCatalogue.filter(({ sku }) => !existingSkus.has(sku));
  for (const [index, product] of missing.entries()) {
    const detail = `${index} of ${missing.length}`;
    progress.show({
      name: "creating products",
      detail,
      share: 0.3 + (0.2 * index) / missing.length,
    });
    await broker.call("products.create", product);
  }

  const demoSkus = new Set<string | null>(demoCatalogue.map(({ sku }) => sku));
  const products = (await all<Product>(broker, "products.list")).filter(({ sku }) =>
    demoSkus.has(sku),
  );
  const market = { broker, random: seededRandom(), customers, products };
  const orders = await placePastOrders(market, progress);
  return { added: { emails, products: missing.length, orders }, market };
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
