import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { eventually } from "../../tools/support/eventually.ts";
import { createNatsServer } from "../../tools/support/nats-server.ts";
import { cleanUp } from "../../tools/support/processes.ts";
import { Cluster } from "../support/cluster.ts";
import { accessibilityFaults } from "../support/console/accessibility-faults.ts";
import {
  launchBrowser,
  openConsole,
  signIn,
  untilLoaded,
} from "../support/console/console-browser.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { registerFirstAdmin } from "../support/http/first-admin.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let browser: Browser;
let admin: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("admin", 1);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await shop.stop();
  await cleanUp();
});

/** Opens a page of the operators as a user. */
async function openSignedIn(url: string, path: string, email = "admin@example.com") {
  const opened = await openConsole(browser, url, `/sign-in?next=${path}`);
  await signIn(opened.page, email);
  return opened;
}

const nodesOf = (page: Page, service: string) =>
  page.getByRole("region", { name: service, exact: true }).getByRole("button");

async function openTab(page: Page, name: string): Promise<void> {
  const tabs = page.getByRole("navigation", { name: "Operations" });
  await tabs.getByRole("link", { name, exact: true }).click();
}

test("of two searches for an order, the last one counts", async () => {
  const mug = await putOnSale(shop, 20);
  await placeOrder(shop, admin.token, [mug, 1]);
  const { order: wanted } = await placeOrder(shop, admin.token, [mug, 1]);
  const { page, context, problems } = await openSignedIn(shop.url, "/operations/trace");
  const numberIn = (row: number) => page.getByRole("row").nth(row).getByRole("link").textContent();
  const numbers = [await numberIn(2), await numberIn(1)];
  const isSearch = (body: string | null) => (body ?? "").includes("query OrderByNumber");
  const turns = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  let searches = 0;
  await page.route("**/graphql", async (route, request) => {
    if (isSearch(request.postData())) await turns[searches++]?.promise;
    await route.continue();
  });
  const search = page.getByLabel("Number or id of the order");
  for (const [index, number] of numbers.entries()) {
    // As people read it out.
    await search.fill((number ?? "").replaceAll("-", " "));
    await search.press("Enter");
    await eventually("the search", () => searches === index + 1);
  }
  for (const turn of turns) {
    const answered = page.waitForResponse((response) => isSearch(response.request().postData()));
    turn.resolve(undefined);
    await (await answered).finished();
  }
  await page.waitForURL(`**/operations/trace/${wanted?.id ?? ""}`);
  expect(problems).toEqual([]);
  await context.close();
});

test("the customer of an order is an erased user in the list of traces, too", async () => {
  const mug = await putOnSale(shop, 20);
  const { id, token } = await shop.signIn("leaver");
  await placeOrder(shop, token, [mug, 1]);
  await shop.call("users.erase", { id });
  const { page, context } = await openSignedIn(shop.url, "/operations/trace");
  const newest = page.getByRole("row").nth(1);
  await newest.getByText(/leaver|unknown|Erased user/).waitFor();
  expect(await newest.innerText()).toContain("Erased user");
  await context.close();
});

test("an admin with the right to operate sees the shop as a map, its charts, its books, and what happened to an order", async () => {
  const mug = await putOnSale(shop, 20);
  const { order } = await placeOrder(shop, admin.token, [mug, 2]);
  const id = order?.id ?? "";
  const { page, context, problems } = await openSignedIn(shop.url, "/operations");
  await page.getByText("Live", { exact: true }).waitFor();
  for (const service of ["Gateway", "users", "products", "orders", "webhooks"]) {
    expect(await nodesOf(page, service).count()).toBe(1);
  }
  await nodesOf(page, "orders").click();
  await page.getByRole("dialog").getByText("Event loop delay").waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("Flows", { exact: true }).click();
  await page.getByRole("table", { name: "Flows" }).getByText("Clients → Gateway").waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);

  await openTab(page, "Charts");
  await page.locator("canvas").first().waitFor();
  await page.getByText(/Requests: now .* highest .* mean/).waitFor({ state: "attached" });
  expect(await accessibilityFaults(page)).toEqual([]);

  await openTab(page, "Reservations");
  await untilLoaded(page, "Reservations");
  expect(await accessibilityFaults(page)).toEqual([]);

  await openTab(page, "Stock audit");
  await page.getByRole("button", { name: "Run now" }).click();
  await page.getByText("The books are right").waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);

  await openTab(page, "Order trace");
  const reference = page.getByLabel("Number or id of the order");
  await reference.fill("1HN4-7T2C-9KQ0");
  await reference.press("Enter");
  await page.getByText("There is no order").waitFor();
  await reference.fill(id);
  await reference.press("Enter");
  await untilLoaded(page, /^Trace of order /);
  await page.getByText("Event applied").first().waitFor();
  await page.getByRole("listitem").filter({ hasText: "Reservation" }).first().waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByRole("link", { name: "Show order" }).click();
  await untilLoaded(page, /^Order /);
  await page.getByRole("link", { name: "Show trace" }).click();
  await untilLoaded(page, /^Trace of order /);

  await page.route("**/graphql", async (route) => {
    const isMap = (route.request().postData() ?? "").includes("ClusterNow");
    const errors = [{ message: "It is turned off.", extensions: { code: "CONSOLE_DISABLED" } }];
    await (isMap ? route.fulfill({ json: { errors } }) : route.continue());
  });
  await page.goto(`${shop.url}/console/operations`);
  await page.getByRole("alert").getByText("It is turned off.").waitFor();
  expect(await nodesOf(page, "orders").count()).toBe(0);
  expect(problems).toEqual([]);
  await context.close();
});

test("an admin with the right to operate sees a dead letter and redrives it", async () => {
  const user = { user_id: randomUUID(), username: "Ann", type: 0 };
  const event = {
    id: randomUUID(),
    type: "user.registered",
    version: 1,
    producer: "users",
    position: 1_000,
    occurredAt: new Date().toISOString(),
    data: user,
  };
  await shop.databases.query(
    "products",
    `INSERT INTO dead_letters (id, producer, position, event, reason)
     VALUES ($1, 'users', 1000, $2, 'it was dropped')`,
    [event.id, JSON.stringify(event)],
  );
  const { page, context, problems } = await openSignedIn(shop.url, "/operations/events");
  await page.getByRole("table", { name: "Consumers of events" }).waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByRole("link", { name: "1 of products" }).first().click();
  await page.getByText("it was dropped").waitFor();
  await page.getByText("Payload", { exact: true }).click();
  await page.getByText('"username": "Ann"').waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByRole("button", { name: "Send again: user.registered at position 1,000" }).click();
  await page.getByText("There are no dead letters").waitFor();
  expect(await shop.databases.query("products", "SELECT FROM dead_letters")).toEqual([]);
  expect(problems).toEqual([]);
  await context.close();
});

test("a user without the right to operate gets a page that says so", async () => {
  await shop.signIn("bob");
  const { page, context, problems } = await openSignedIn(
    shop.url,
    "/operations",
    "bob@example.com",
  );
  await page.getByText("Only admins with the right to operate the shop can open it.").waitFor();
  expect(await page.getByRole("link", { name: "Operations" }).count()).toBe(0);
  expect(problems).toEqual([]);
  await context.close();
});

test("a killed node vanishes from the map, and a new one appears", async () => {
  const databases: TestDatabases = await cloneDatabases();
  const nats = await createNatsServer();
  await nats.start();
  const settings = { TRANSPORTER: nats.url, RATE_LIMIT_PER_SECOND: "0", LOG_LEVEL: "warn" };
  const cluster = await Cluster.create(settings, databases);
  for (const service of ["users", "orders"] as const) cluster.startService(service);
  const products = cluster.startService("products");
  cluster.startGateway();
  await cluster.ready();
  await registerFirstAdmin(cluster.url);
  const { page, context, problems } = await openSignedIn(cluster.url, "/operations");
  await page.getByText("Live", { exact: true }).waitFor();
  const node = nodesOf(page, "products");
  const id = await node.locator("span").first().textContent();
  // As a REPL, it only calls the shop.
  const observer = cluster.createObserver();
  await observer.start();
  await page.getByText(`${observer.nodeID} joined the cluster.`).waitFor();
  await page.getByText(`without a service: ${observer.nodeID}.`).waitFor();
  await page.getByText("4 of 4", { exact: true }).waitFor();
  await observer.stop();
  await products.killHard();
  await node.waitFor({ state: "detached" });
  await page.getByText(`${id} left the cluster.`).waitFor();
  await page.getByRole("region", { name: "products", exact: true }).getByText("No node").waitFor();
  cluster.startService("products");
  await node.waitFor();
  expect(await node.locator("span").first().textContent()).not.toBe(id);
  await eventually("the node to be announced", async () => {
    return (await page.getByRole("log").getByText("joined the cluster.").count()) > 0;
  });
  expect(problems).toEqual([]);
  await context.close();
  await cleanUp();
  await databases.drop();
});
