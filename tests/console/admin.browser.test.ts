import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { eventually } from "../../tools/support/eventually.ts";
import { accessibilityFaults } from "../support/console/accessibility-faults.ts";
import {
  launchBrowser,
  openConsole,
  signIn,
  untilLoaded,
  type ConsolePage,
} from "../support/console/console-browser.ts";
import { subscriptionsTo } from "../support/http/subscriptions.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { newAccount } from "../support/sessions.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let browser: Browser;
let admin: ConsolePage;
let buyer: { id: string; token: string };
/** What the shop has sent to the page by WebSocket, while it does not reach the page. */
let held: { message: string; pass: () => void }[] | undefined;

beforeAll(async () => {
  shop = await startTestShop();
  browser = await launchBrowser();
  buyer = await shop.signIn("buyer");
  const { email } = await newAccount(shop, 1);
  admin = await openConsole(browser, shop.url, "/sign-in?next=/admin");
  await admin.page.routeWebSocket(/graphql/, (socket) => {
    socket.connectToServer().onMessage((message) => {
      const pass = () => {
        socket.send(message);
      };
      if (held === undefined) pass();
      else held.push({ message: message.toString(), pass });
    });
  });
  await signIn(admin.page, email);
});
afterAll(async () => {
  await browser.close();
  await shop.stop();
});

/** Opens a path of the admins' pages, without a reload. */
async function open(path: string, title: string | RegExp): Promise<Page> {
  const { page } = admin;
  await page.goto(`${shop.url}/console${path}`);
  await untilLoaded(page, title);
  return page;
}

/** Opens the list of orders, and waits until it follows new ones. */
async function openLiveOrders(): Promise<Page> {
  const page = await open("/admin/orders", "Orders");
  await page.getByText("Live", { exact: true }).waitFor();
  await eventually(
    "the subscription of the page",
    () => subscriptionsTo(shop, "order.placed") === 1,
  );
  return page;
}

const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name });
const dialogButton = (page: Page, name: string) =>
  page.getByRole("dialog").getByRole("button", { name });
const row = (page: Page, text: string) => page.getByRole("row").filter({ hasText: text });

/** Places orders at the same time. Returns their ids. */
async function placeOrders(productId: string, count: number): Promise<string[]> {
  const payloads = await Promise.all(
    Array.from({ length: count }, () => placeOrder(shop, buyer.token, [productId, 1])),
  );
  return payloads.map(({ order }) => order?.id ?? "");
}

/**
 * Places orders whose events reach the page at the same moment, however slow the shop is. The page may
 * take the first few alone.
 */
async function placeOrdersAtOnce(productId: string, count: number): Promise<string[]> {
  const events: typeof held = [];
  held = events;
  const placed = await placeOrders(productId, count);
  await eventually("the events of the orders", () =>
    placed.every((id) => events.some(({ message }) => message.includes(id))),
  );
  held = undefined;
  for (const { pass } of events) pass();
  return placed;
}

/** Returns the last part of each link in the rows: ids of orders, and of their customers. */
async function idsInRows(page: Page): Promise<string[]> {
  const paths = await page.evaluate<string[]>(
    `[...document.querySelectorAll("tr a")].map(({ pathname }) => pathname)`,
  );
  return paths.map((path) => path.split("/").at(-1) ?? "");
}

async function isEachShown(page: Page, orderIds: readonly string[]): Promise<boolean> {
  const ids = await idsInRows(page);
  return orderIds.every((id) => ids.includes(id));
}

test("an admin creates, edits and restocks a product; a customer's open page shows the stock", async () => {
  const page = await open("/admin/products/new", "New product");
  await page.getByLabel("Name", { exact: true }).fill("Copper Kettle");
  await page.getByLabel("Price").fill("12.5");
  await page.getByLabel("SKU").fill("KETTLE-1");
  await button(page, "Create product").click();
  await untilLoaded(page, "Copper Kettle");
  const id = page.url().split("/").at(-1) ?? "";

  const customer = await openConsole(browser, shop.url, `/products/${id}`);
  await customer.page.getByText("Sold out").first().waitFor();
  await eventually(
    "the subscription of the customer's page",
    () => subscriptionsTo(shop, "inventory.updated") >= 2,
  );
  await page.getByLabel("Pieces", { exact: true }).fill("3");
  await button(page, "Change stock").click();
  await customer.page.getByText("Only 3 left").first().waitFor();
  await row(page, "Increased").getByText("+3").waitFor();
  expect(customer.problems).toEqual([]);
  await customer.context.close();

  await page.getByLabel("Price", { exact: true }).fill("13");
  await button(page, "Save changes").click();
  await row(page, "€13.00").waitFor();
  await row(page, "€12.50").waitFor();

  // Another admin changes the product meanwhile: a field that this one has not edited, and one of both.
  await shop.call("products.update", { id, version: 2, name: "Steel Kettle", sku: "KETTLE-2" });
  await page.getByLabel("Price", { exact: true }).fill("14");
  await page.getByLabel("SKU").fill("KETTLE-3");
  await button(page, "Save changes").click();
  await page.getByText("The product was changed meanwhile").first().waitFor();
  await row(page, "Steel Kettle").getByText("Not edited").waitFor();
  await page.getByRole("radio", { name: "SKU: Saved now" }).check();
  await button(page, "Save the chosen values").click();
  await row(page, "€14.00").waitFor();
  expect(await shop.call("products.get", { id })).toMatchObject({
    name: "Steel Kettle",
    price: 1_400,
    sku: "KETTLE-2",
    version: 4,
  });
  expect(await accessibilityFaults(page)).toEqual([]);

  await open("/admin/products?stock=low", "Products");
  await row(page, "Steel Kettle").getByText("Only 3 left").waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  expect(admin.problems).toEqual([]);
});

test("a double click creates one product", async () => {
  const page = await open("/admin/products/new", "New product");
  await page.getByLabel("Name", { exact: true }).fill("Twin");
  await page.getByLabel("Price").fill("1");
  await button(page, "Create product").dblclick();
  await untilLoaded(page, "Twin");
  await open("/admin/products?q=Twin", "Products");
  await row(page, "Twin").first().waitFor();
  expect(await row(page, "Twin").count()).toBe(1);
  await page.getByText("Total: 1", { exact: true }).waitFor();
});

test("an import shows the rows that fail, and imports the others", async () => {
  const page = await open("/admin/products/import", "Import products");
  const file = [
    "sku,name,price,stock",
    "MUG-1,'=SUM(A1),900,2",
    "MUG-2,Green Mug,nine,2",
    "MUG-3,,900,2",
    "MUG-1,Twice,900,2",
  ].join("\r\n");
  await page.setInputFiles("input[type=file]", {
    name: "mugs.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(file),
  });
  await row(page, "price must be a whole number").getByText("3", { exact: true }).waitFor();
  await row(page, "Line 2 is a row of the same product.").waitFor();
  await row(page, "A new product needs a name.").getByText("4", { exact: true }).waitFor();
  await button(page, "Import 1 row").click();
  await page.getByText("The import is complete.").waitFor();
  expect(await page.getByRole("table", { name: "Rows with errors" }).count()).toBe(1);
  expect(await accessibilityFaults(page)).toEqual([]);
  const product = await shop.call("products.getBySku", { sku: "MUG-1" });
  expect(product).toMatchObject({ name: "=SUM(A1)", price: 900, stock: 2 });

  await open("/admin/products?sku=MUG-1", "Products");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    button(page, "Export as CSV").click(),
  ]);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toContain(",MUG-1,'=SUM(A1),");
  expect(admin.problems).toEqual([]);
});

test("a new order appears without a reload, and is shipped and delivered", async () => {
  const lamp = await putOnSale(shop, 10, 500, "Lamp");
  const page = await open("/admin/orders?min=300", "Orders");
  await page.getByText("The filters cannot be applied").waitFor();
  expect(await button(page, "Export as CSV").isDisabled()).toBe(true);
  await button(page, "Clear filters").click();
  await eventually(
    "the subscription of the page",
    () => subscriptionsTo(shop, "order.placed") === 1,
  );
  const { order } = await placeOrder(shop, buyer.token, [lamp, 2]);
  await row(page, "buyer").getByText("€10.00").waitFor();
  await page.getByText("Total: 1", { exact: true }).waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await button(page, /^Ship order/).click();
  await page.getByLabel("Tracking text").fill("Parcel 7");
  await dialogButton(page, "Ship").click();
  await row(page, "buyer").getByText("Shipped", { exact: true }).waitFor();
  await row(page, "buyer").getByRole("link").first().click();
  await page.getByText("Tracking: Parcel 7").waitFor();
  // On the page of one order, its next step is the main action.
  expect(await button(page, /^Mark as delivered/).getAttribute("class")).toContain("primary");
  await button(page, /^Mark as delivered/).click();
  await dialogButton(page, "Mark as delivered").click();
  await page.getByText("Delivered", { exact: true }).first().waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  expect(await shop.call("orders.get", { id: order?.id })).toMatchObject({ status: "DELIVERED" });

  await open("/admin", "Overview");
  await page.getByText("Orders: 1 in total").first().waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  expect(admin.problems).toEqual([]);
});

test("the head of an order's page has buttons of one height, and shipping is the last of them", async () => {
  const lamp = await putOnSale(shop, 10, 500, "Desk Lamp");
  const { order } = await placeOrder(shop, buyer.token, [lamp, 1]);
  const page = await open(`/admin/orders/${order?.id ?? ""}`, /^Order/);
  const buttons = [
    page.getByRole("link", { name: "Show trace" }),
    button(page, /^Cancel order/),
    button(page, /^Ship order/),
  ];
  const boxes = await Promise.all(buttons.map((element) => element.boundingBox()));
  expect(new Set(boxes.map((box) => box?.height)).size).toBe(1);
  expect(new Set(boxes.map((box) => box?.y)).size).toBe(1);
  const places = boxes.map((box) => box?.x ?? 0);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
});

test("on a phone, the list is in view, and all filters after a press", async () => {
  const lamp = await putOnSale(shop, 10, 500, "Floor Lamp");
  await placeOrder(shop, buyer.token, [lamp, 1]);
  const page = await open("/admin/orders", "Orders");
  const window = page.viewportSize() ?? { width: 1280, height: 800 };
  try {
    await page.setViewportSize({ width: 390, height: 844 });
    const status = page.getByLabel("Status", { exact: true });
    const first = page.getByRole("main").getByRole("row").nth(1);
    await first.waitFor();
    expect((await first.boundingBox())?.y).toBeLessThan(600);
    expect(await status.isVisible()).toBe(false);
    await button(page, "More filters").click();
    await status.selectOption("Cancelled");
    await button(page, "Fewer filters").click();
    // The list is filtered, which the button says.
    await button(page, "Clear filters").click();
    await eventually("no filter", () => !page.url().includes("status"));
    await page.goto(`${shop.url}/console/admin/orders?status=SHIPPED`);
    await untilLoaded(page, "Orders");
    expect(await status.inputValue()).toBe("SHIPPED");
    expect(await status.isVisible()).toBe(true);
    expect(await accessibilityFaults(page)).toEqual([]);
  } finally {
    await page.setViewportSize(window);
  }
});

test("orders that come faster than they can be read wait for the button", async () => {
  const lamp = await putOnSale(shop, 100, 500, "Lamp");
  const page = await openLiveOrders();
  const placed = await placeOrdersAtOnce(lamp, 30);
  const showNew = button(page, /^Show \d+ new order/);
  await showNew.waitFor();
  await eventually("all of the orders", async () => {
    // The button is gone until the rows of the last click are here. It may go before this one.
    if (await showNew.isVisible()) await showNew.click({ timeout: 5_000 });
    return isEachShown(page, placed);
  });
  // The number is known.
  expect(await page.getByText(/^Total:/).innerText()).toMatch(/^Total: \d+$/);
  expect(admin.problems).toEqual([]);
});

test("a press on the button for new orders loses none that arrive at the same moment", async () => {
  const lamp = await putOnSale(shop, 100, 500, "Lamp");
  const page = await openLiveOrders();
  const placed = await placeOrdersAtOnce(lamp, 12);
  const showNew = button(page, /^Show \d+ new order/);
  await showNew.waitFor();
  // The button is pressed after the timer that takes the next orders, before they are rendered.
  await page.evaluate(`
    const start = setTimeout;
    const press = () => {
      const buttons = [...document.querySelectorAll("button")];
      buttons.find(({ textContent }) => /^Show \\d+ new order/.test(textContent))?.click();
    };
    setTimeout = (run, delayMs) => start(() => { run(); press(); }, delayMs);
  `);
  placed.push(...(await placeOrders(lamp, 10)));
  await eventually("all of the orders", () => isEachShown(page, placed));
  expect(admin.problems).toEqual([]);
});

test("the orders can begin with the oldest, and a new one is the last", async () => {
  const vase = await putOnSale(shop, 10, 500, "Vase");
  await placeOrder(shop, buyer.token, [vase, 1]);
  const page = await open(`/admin/orders?user=${buyer.id}`, "Orders");
  await page.getByLabel("Sort by").selectOption("Oldest first");
  const { edges } = await shop.call<{ edges: { node: { id: string } }[] }>("orders.page", {
    user_id: buyer.id,
    sort: "OLDEST_FIRST",
    first: 100,
  });
  const ids = edges.map(({ node }) => node.id);
  const isOrder = (id: string) => ids.includes(id);
  await eventually(
    "the oldest orders",
    async () => (await idsInRows(page)).find(isOrder) === ids[0],
  );
  await page.getByRole("row").last().scrollIntoViewIfNeeded();
  await button(page, "Show more").waitFor({ state: "detached" });
  const { order } = await placeOrder(shop, buyer.token, [vase, 1]);
  await eventually("the new order at the end", async () => {
    const links = await idsInRows(page);
    return links.findLastIndex((id) => id === order?.id) > links.findLastIndex(isOrder);
  });
  expect(admin.problems).toEqual([]);
});

test("the dialog that ships an order stays as it is while orders arrive and change", async () => {
  const lamp = await putOnSale(shop, 100, 500, "Lamp");
  const { order } = await placeOrder(shop, buyer.token, [lamp, 1]);
  const page = await open("/admin/orders", "Orders");
  await eventually(
    "the subscription of the page",
    () => subscriptionsTo(shop, "order.placed") === 1,
  );
  const ofOrder = row(page, "€5.00").filter({ has: page.locator(`a[href$="${order?.id ?? ""}"]`) });
  await ofOrder.getByRole("button", { name: /^Ship order/ }).click();
  const dialog = page.getByRole("dialog");
  const title = await dialog.getByRole("heading").textContent();
  await dialog.getByLabel("Tracking text").fill("Post 1");

  const { order: next } = await placeOrder(shop, buyer.token, [lamp, 2]);
  const behind = page.locator("main");
  await eventually("the new order behind the dialog", async () => {
    const isShown = (await behind.locator(`a[href$="${next?.id ?? ""}"]`).count()) > 0;
    return isShown || (await behind.textContent())?.includes("Show 1 new order");
  });
  expect(await dialog.getByLabel("Tracking text").inputValue()).toBe("Post 1");

  await shop.call("orders.ship", { id: order?.id });
  await behind.locator("tr", { hasText: "Mark as delivered" }).first().waitFor();
  expect(await dialog.getByRole("heading").textContent()).toBe(title);
  await dialogButton(page, "Ship").click();
  await dialog.getByText(/shipped/).waitFor();
  expect(await dialog.getByLabel("Tracking text").inputValue()).toBe("Post 1");
  await page.keyboard.press("Escape");
  await button(page, "Discard changes").click();
  await eventually("the new order", () => isEachShown(page, [next?.id ?? ""]));
  expect(admin.problems).toEqual([]);
});

test.each([
  ["Cancel order", /^Cancel order/, "mutation AdminCancelOrder"],
  ["Ship", /^Ship order/, "mutation AdminShipOrder"],
])("a failure after its dialog was closed is said: %s", async (confirm, name, document) => {
  const lamp = await putOnSale(shop, 10, 500, "Lamp");
  const { order } = await placeOrder(shop, buyer.token, [lamp, 1]);
  const page = await open(`/admin/orders/${order?.id ?? ""}`, /^Order/);
  const closed = Promise.withResolvers<undefined>();
  const sent = page.waitForRequest((request) => (request.postData() ?? "").includes(document));
  await page.route("**/graphql", async (route, request) => {
    if (!(request.postData() ?? "").includes(document)) {
      await route.continue();
      return;
    }
    await closed.promise;
    await route.abort();
  });
  await button(page, name).click();
  await dialogButton(page, confirm).click();
  await sent;
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  closed.resolve(undefined);
  await page.getByText("The shop could not be reached.").waitFor();
  await button(page, name).click();
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  expect(await dialog.getByRole("alert").count()).toBe(0);
  await page.keyboard.press("Escape");
  await page.unrouteAll();
  // Those of the aborted requests.
  admin.problems.length = 0;
});

test("the packing list has the orders to ship with their sums, and is printed without buttons", async () => {
  const plate = await putOnSale(shop, 100, 500, "Plate");
  await shop.call("products.update", { id: plate, version: 1, sku: "PLATE-1" });
  const { order: first } = await placeOrder(shop, buyer.token, [plate, 2]);
  await placeOrder(shop, buyer.token, [plate, 3]);
  const page = await open("/admin/orders", "Orders");
  await page.getByRole("link", { name: "Packing list" }).click();
  await untilLoaded(page, "Packing list");
  const sums = page.getByRole("region", { name: "To pick" });
  await sums.getByRole("row", { name: "Plate PLATE-1 5" }).waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);

  await page.emulateMedia({ media: "print" });
  expect(await button(page, "Print").isVisible()).toBe(false);
  expect(await page.getByRole("navigation").first().isVisible()).toBe(false);
  await sums.getByRole("row", { name: "Plate PLATE-1 5" }).waitFor();
  await page.emulateMedia({ media: "screen" });

  await shop.call("orders.cancel", { id: first?.id });
  await sums.getByRole("row", { name: "Plate PLATE-1 3" }).waitFor();
  const card = page.getByRole("region", { name: /^Order/ }).filter({ hasText: "PLATE-1" });
  await card.getByRole("button", { name: /^Ship order/ }).click();
  await dialogButton(page, "Ship").click();
  await sums.getByText("PLATE-1").waitFor({ state: "detached" });
  expect(admin.problems).toEqual([]);
});

test("the overview follows changes of the stock", async () => {
  const tray = await putOnSale(shop, 100, 500, "Tray");
  const page = await open("/admin", "Overview");
  await eventually(
    "the subscription of the page",
    () => subscriptionsTo(shop, "inventory.updated") >= 1,
  );
  await shop.call("products.updateInventory", { id: tray, type: 2, number: 98 });
  await page.getByRole("link", { name: "Tray" }).waitFor();
  expect(admin.problems).toEqual([]);
});

test("a page has its title while its file is being loaded", async () => {
  const { page } = admin;
  const gate = Promise.withResolvers<undefined>();
  await page.route("**/console/assets/users-page-*.js", async (route) => {
    await gate.promise;
    await route.continue();
  });
  await page.goto(`${shop.url}/console/admin/users`, { waitUntil: "commit" });
  await page.getByRole("heading", { level: 1, name: "Users" }).waitFor();
  expect(await page.getByRole("table").count()).toBe(0);
  gate.resolve(undefined);
  await page.getByRole("table").waitFor();
  await page.unrouteAll();
  expect(admin.problems).toEqual([]);
});

test("a page without a subscription says that the shop does not answer, until it does", async () => {
  const page = await open("/admin/users", "Users");
  let isCut = true;
  await page.route("**/*", async (route) => {
    const { pathname } = new URL(route.request().url());
    const isShop = pathname === "/graphql" || pathname === "/console/admin/audit";
    await (isCut && isShop ? route.abort() : route.continue());
  });
  await page.getByRole("link", { name: "Audit trail" }).click();
  await page.getByText("The shop does not answer.").waitFor();
  await page.getByText("This could not be loaded").waitFor();
  isCut = false;
  await page.getByText("The shop does not answer.").waitFor({ state: "detached" });
  await page.getByRole("table").waitFor();
  await page.unrouteAll();
  admin.problems.length = 0;
});

test("without a connection, the list of orders does not say that it is live", async () => {
  const { page } = admin;
  let isCut = true;
  await page.routeWebSocket(/graphql/, (socket) => {
    if (isCut) void socket.close();
    else socket.connectToServer();
  });
  await open("/admin/orders", "Orders");
  await page.getByText("Not live").waitFor();
  await page.getByText("The shop does not answer.").waitFor();
  isCut = false;
  await page.getByText("Live", { exact: true }).waitFor();
  await page.getByText("The shop does not answer.").waitFor({ state: "detached" });
  // The route is that of this test.
  await page.unrouteAll();
  expect(admin.problems).toEqual([]);
});

test("west of Greenwich, too, the last bar of the overview is today in UTC", async () => {
  const { email } = await newAccount(shop, 1);
  const { page, context } = await openConsole(browser, shop.url, "/sign-in?next=/admin", {
    timezoneId: "America/New_York",
  });
  await page.addInitScript(`
    globalThis.drawn = [];
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
      drawn.push(text);
      fillText.call(this, text, ...place);
    };
  `);
  await page.reload();
  await signIn(page, email);
  await untilLoaded(page, "Overview");
  const days = { month: "short", day: "numeric", timeZone: "UTC" } as const;
  const today = new Intl.DateTimeFormat("en", days).format(new Date());
  await eventually("the name of today", async () =>
    (await page.evaluate<string[]>("drawn")).includes(today),
  );
  await context.close();
});

test("an admin creates a webhook, sees its deliveries and redrives a dead letter", async () => {
  const page = await open("/admin/webhooks", "Webhooks");
  await button(page, "New webhook").click();
  await page.getByLabel("URL").fill("https://webhooks.invalid/hook");
  await page.getByText("order.placed", { exact: true }).click();
  await page.getByText("product.created", { exact: true }).click();
  await button(page, "Create webhook").click();
  await page.getByText(/^whsec_/).waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  // The secret is not lost by a key or by a click beside it.
  await page.keyboard.press("Escape");
  await page.mouse.click(5, 5);
  expect(await page.getByText(/^whsec_/).isVisible()).toBe(true);
  await dialogButton(page, "Close").click();
  await untilLoaded(page, "webhooks.invalid");

  await putOnSale(shop, 1);
  await button(page, "Refresh").click();
  await row(page, "product.created").getByText("Pending").waitFor();
  await shop.databases.query(
    "webhooks",
    "UPDATE deliveries SET state = 'DEAD', finished_at = now() WHERE type = 'product.created'",
  );
  await page.getByLabel("State", { exact: true }).selectOption("Dead letter");
  await button(page, "Send again: product.created").click();
  await page.getByText("1 dead letter is sent again.").waitFor();
  await page.getByText("Nothing matches").waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await button(page, "Turn off").click();
  await dialogButton(page, "Turn off").click();
  await button(page, "Turn on").waitFor();
  expect(admin.problems).toEqual([]);
});

test("the dialog of a webhook keeps its entries when another admin saves others", async () => {
  const webhook = { url: "https://webhooks.invalid/", events: ["order.placed", "order.shipped"] };
  const created = await shop.call<{ webhook: { id: string } }>("webhooks.create", webhook);
  const { id } = created.webhook;
  const { email } = await newAccount(shop, 1);
  const path = `/sign-in?next=/admin/webhooks/${id}`;
  const { page, context, problems } = await openConsole(browser, shop.url, path);
  await page.clock.install();
  await signIn(page, email);
  await button(page, "Edit").click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Note").fill("For the stock");

  await shop.call("webhooks.update", { id, events: ["order.placed"] });
  // The tab is shown again after a while: then it reads again.
  await page.clock.setSystemTime(Date.now() + 60_000);
  await page.evaluate("dispatchEvent(new Event('visibilitychange'))");
  const events = page.locator("main dd").getByText("order.placed", { exact: true });
  await events.waitFor();
  await form.getByRole("button", { name: "Save" }).click();
  await page.getByText("The webhook is saved.").waitFor();
  expect(await shop.call("webhooks.get", { id })).toMatchObject({
    description: "For the stock",
    events: ["order.placed"],
  });
  expect(problems).toEqual([]);
  await context.close();
  await shop.call("webhooks.delete", { id });
});

test("an admin finds a user, resets the password, changes the role and erases", async () => {
  const { email } = await newAccount(shop);
  const name = email.split("@")[0] ?? "";
  const page = await open("/admin/users", "Users");
  await page.getByLabel("Search").fill(name);
  // The head and the row of the user: a click while the rows are replaced would be lost.
  await page.getByRole("row").nth(2).waitFor({ state: "detached" });
  await row(page, email).getByRole("link").click();
  await untilLoaded(page, name);
  await button(page, "Create reset token").click();
  await dialogButton(page, "Create reset token").click();
  const token = (await page.getByRole("dialog").locator("code").textContent()) ?? "";
  await shop.call("users.resetPassword", { token, newPassword: "another horse" });
  await dialogButton(page, "Close").click();
  await button(page, "Make admin").click();
  await dialogButton(page, "Make admin").click();
  await page.getByText("Admin", { exact: true }).nth(1).waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await button(page, "Make customer").click();
  await dialogButton(page, "Make customer").click();
  await button(page, "Create reset token").waitFor();
  await button(page, "Erase personal data").click();
  await page.getByLabel(`Type ${email} to confirm`).fill(email);
  await dialogButton(page, "Erase personal data").click();
  await untilLoaded(page, "Users");

  await open("/admin/audit", "Audit trail");
  await page.getByLabel("What").selectOption("Personal data erased");
  await row(page, "Personal data erased").getByText("Successful").waitFor();
  // The erased user has no name and no page: the link shows all entries.
  await row(page, "Personal data erased")
    .getByRole("link", { name: /^All of/ })
    .click();
  await row(page, "Registered").waitFor();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByLabel("Kind of actor").selectOption("Operator");
  await row(page, "Operator").first().waitFor();
  await row(page, "Personal data erased").waitFor({ state: "detached" });
  expect(page.url()).toContain("kind=operator");
  await page.getByLabel("Kind of actor").selectOption("All");
  // Sign-ins are not in the list, and found by the name of who has signed in.
  await page.getByLabel("What").selectOption("Signed in");
  await page.getByLabel("Who").fill("nobody");
  await page.getByText("Nothing matches").waitFor();
  await page.getByLabel("Who").fill("account");
  await row(page, "Signed in").first().waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  expect(admin.problems).toEqual([]);
});

test("after a sign-in, also by way of other pages, a list has the filters of its link", async () => {
  const { email } = await newAccount(shop, 1);
  const path = "/admin/orders?status=SHIPPED&number=50%2525%26";
  const { page, context } = await openConsole(browser, shop.url, path);
  const main = page.getByRole("main");
  const signInLink = { name: "Sign in", exact: true };
  await main.getByRole("link", signInLink).click();
  await main.getByRole("link", { name: "Create an account" }).click();
  await untilLoaded(page, "Create an account");
  await main.getByRole("link", signInLink).click();
  await main.getByRole("link", { name: /Forgot/ }).click();
  await untilLoaded(page, /password/i);
  await main.getByRole("link", signInLink).click();
  await untilLoaded(page, "Sign in");
  await page.getByRole("banner").getByRole("link", signInLink).click();
  await signIn(page, email);
  await untilLoaded(page, "Orders");
  expect(page.url()).toBe(`${shop.url}/console${path}`);
  expect(await page.getByLabel("Status", { exact: true }).inputValue()).toBe("SHIPPED");

  await page.goto(`${shop.url}/console/?q=mug`);
  await button(page, "Account menu").click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.goto(`${shop.url}/console/?q=mug`);
  await page.getByRole("banner").getByRole("link", signInLink).click();
  await signIn(page, email);
  await page.getByRole("searchbox").first().waitFor();
  expect(page.url()).toBe(`${shop.url}/console/?q=mug`);
  await context.close();
});

test("a customer who opens a page of admins reads why it is not shown", async () => {
  const { email } = await newAccount(shop);
  const { page, context, problems } = await openConsole(
    browser,
    shop.url,
    "/sign-in?next=/admin/orders",
  );
  await signIn(page, email);
  await untilLoaded(page, "This page is not for your account");
  expect(await page.getByRole("link", { name: "Admin" }).count()).toBe(0);
  expect(problems).toEqual([]);
  await context.close();
});
