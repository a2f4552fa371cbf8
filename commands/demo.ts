import { randomBytes } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { isPrivate, type Config } from "../config/config.ts";
import type { User } from "../services/users/users.contract.ts";
import { Progress } from "../core/progress.ts";
import { CommandError } from "../core/command-error.ts";
import { adminEmail, customerNames, emailOf } from "./demo/demo-data.ts";
import { goOnLive } from "./demo/demo-orders.ts";
import { allRows, fillShop } from "./demo/fill-shop.ts";
import { withShop } from "./node/operator-shop.ts";
import { readCommandLine } from "./process/command-line.ts";
import { runProgram } from "./process/program.ts";
import { urlOf } from "./node/welcome.ts";

/** A public password: only for a shop that is private and empty. */
const publishedPassword = "demo-password";
const [firstCustomer = ""] = customerNames;
const signIns = `${adminEmail} (admin) or ${emailOf(firstCustomer)} (customer)`;

/**
 * `npm run demo`: adds an admin, customers, products and orders to a running shop, or to the shop
 * on DATA_DIR. A second run adds only what is missing. With `--live` it then goes on ordering.
 */
await runProgram(async () => {
  const options = { live: { type: "boolean", default: false } } as const;
  const isLive = readCommandLine({ options }, "npm run demo [-- --live]").values.live;
  const progress = new Progress();
  await withShop({ role: "demo", progress }, async ({ broker, config, isJoined }) => {
    if (isLive && !isJoined) {
      throw new CommandError(
        "No shop runs on DATA_DIR. Run npm start, and the demo in a second terminal.",
      );
    }
    const users = await allRows<User>(broker, "users.list");
    const others = isJoined ? await otherNodes(broker) : [];
    const mayBePublished = isJoined ? isShopPrivate(others) : isPrivate(config);
    const isPublished = mayBePublished && users.length === 0;
    const password = isPublished ? publishedPassword : randomBytes(15).toString("base64url");
    const { added, market } = await fillShop(broker, users, password, progress);
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

/** A node of a shop, with what it announces to others. */
interface ShopNode {
  local: boolean;
  metadata?: { isPrivate?: boolean; gateway?: { host: string; port: number; page?: string } };
}

/** Returns the sentence about where the data are, and how to see them. */
function placeOf(config: Config, isJoined: boolean, others: readonly ShopNode[]): string {
  const { nats, dataDir, port } = config;
  if (nats) return `They are in the databases of the cluster at ${nats.servers.join(", ")}.`;
  const place = `They are in ${dataDir}.`;
  if (!isJoined) {
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
    const reason = mayBePublished ? "the shop was in use already" : "others may reach this shop";
    return `The new accounts, ${first} and so on, have the random password "${password}", because ${reason}. It is not shown again.`;
  }
  const unchanged = "No account was added; passwords are unchanged.";
  if (!mayBePublished) return unchanged;
  return `${unchanged} Sign in as ${signIns} with "${publishedPassword}", unless the first run printed another password.`;
}
