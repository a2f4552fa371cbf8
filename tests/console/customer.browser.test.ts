import type { Server } from "node:http";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Page, Request, Route, WebSocket } from "playwright-core";
import { eventually } from "../../tools/support/eventually.ts";
import { accessibilityFaults } from "../support/console/accessibility-faults.ts";
import {
  launchBrowser,
  openConsole,
  openTab,
  signIn,
  untilLoaded,
} from "../support/console/console-browser.ts";
import { subscriptionsTo } from "../support/http/subscriptions.ts";
import { placeOrder } from "../support/ordering.ts";
import { logIn, newAccount } from "../support/sessions.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let browser: Browser;

beforeAll(async () => {
  shop = await startTestShop();
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await shop.stop();
});

async function addProduct(name: string, stock: number, price = 2_500): Promise<string> {
  const input = { name, description: `A ${name.toLowerCase()}.`, price, stock };
  const { id } = await shop.call<{ id: string }>("products.create", input);
  return id;
}

/** Lets no WebSocket connect to the shop until `release` is called. */
function holdHandshakes(): { release: () => void } {
  const { server } = shop.broker.getLocalService("api") as unknown as { server: Server };
  const listeners = server.listeners("upgrade") as ((...request: unknown[]) => void)[];
  const held = Promise.withResolvers<undefined>();
  server.removeAllListeners("upgrade");
  server.on("upgrade", (...request: unknown[]) => {
    void held.promise.then(() => {
      for (const listener of listeners) listener(...request);
    });
  });
  return {
    release() {
      held.resolve(undefined);
    },
  };
}

async function stockOf(id: string): Promise<number> {
  const { stock } = await shop.call<{ stock: number }>("products.get", { id });
  return stock;
}

/** Adds pieces to the stock, or takes them away. */
async function changeStock(id: string, pieces: number): Promise<void> {
  const type = pieces > 0 ? 1 : 2;
  await shop.call("products.updateInventory", { id, type, number: Math.abs(pieces) });
}

/** Opens the console as a new user who is signed in. */
async function openSignedIn(path: string) {
  const { id, email } = await newAccount(shop);
  const opened = await openConsole(browser, shop.url, `/sign-in?next=${path}`);
  await signIn(opened.page, email);
  return { ...opened, userId: id, email };
}

async function ordersOf(userId: string): Promise<{ status: string }[]> {
  const lists = await shop.call<{ status: string }[][]>("orders.ofUsers", { ids: [userId] });
  return lists[0] ?? [];
}

/** Puts pieces of a product into the basket, by its page. */
async function putInBasket(page: Page, id: string, pieces: number): Promise<void> {
  await page.goto(`${shop.url}/console/products/${id}`);
  await page.getByRole("textbox", { name: "Quantity" }).fill(String(pieces));
  await page.getByRole("textbox", { name: "Quantity" }).blur();
  await page.getByRole("button", { name: "Add to basket" }).click();
  await page.getByRole("link", { name: "Show basket" }).click();
  await untilLoaded(page, "Basket");
}

const placeButton = (page: Page) => page.getByRole("button", { name: "Place order" });
const isPlaceOrder = (request: Request) =>
  (request.postData() ?? "").includes("mutation PlaceBasketOrder");

test("an empty catalogue tells visitors how a shop gets its first admin, and customers only that it is empty", async () => {
  const { page, context } = await openConsole(browser, shop.url);
  const playground = page.getByRole("link", { name: "Open the playground" });
  await page.getByText("There is nothing for sale yet. Is this your shop").waitFor();
  expect(await playground.getAttribute("href")).toBe("/");
  expect(await accessibilityFaults(page)).toEqual([]);
  await context.close();
  const customer = await openSignedIn("/");
  await customer.page.getByText("There is nothing for sale yet.", { exact: true }).waitFor();
  expect(await customer.page.getByText("admin").count()).toBe(0);
  await customer.context.close();
});

test("a quantity that the shop cannot sell is said, and is changed only by the customer", async () => {
  const vase = await addProduct("Vase", 7);
  const { page, context, problems } = await openConsole(browser, shop.url, `/products/${vase}`);
  const quantity = page.getByRole("textbox", { name: /^Quantity/ });
  await quantity.fill("50");
  await quantity.press("Tab");
  await page.getByText("Only 7 left.", { exact: true }).waitFor();
  expect(await quantity.inputValue()).toBe("50");
  const add = page.getByRole("button", { name: "Add to basket" });
  expect(await add.isDisabled()).toBe(true);
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByRole("button", { name: "Reduce to 7" }).click();
  expect(await quantity.inputValue()).toBe("7");
  await page.getByText("Only 7 left.", { exact: true }).waitFor({ state: "detached" });

  for (const [typed, kept] of [
    ["0", 1],
    ["", 1],
  ] as const) {
    await quantity.fill(typed);
    await quantity.press("Tab");
    await page.getByText(`The quantity is now ${kept}.`).waitFor();
    expect(await quantity.inputValue()).toBe(String(kept));
    await quantity.fill("2");
    await page.getByText("The quantity is now").waitFor({ state: "detached" });
  }
  await quantity.press("Tab");
  await add.click();
  await page.getByRole("link", { name: "Basket, 2 pieces" }).waitFor();

  // An order has no place for another product.
  await page.evaluate((price) => {
    const lines = Array.from({ length: 200 }, (_, index) => {
      return { productId: `p${index}`, name: "A product", price, quantity: 1 };
    });
    localStorage.setItem("shop-console-basket", JSON.stringify(lines));
  }, 100);
  await page.reload();
  await add.click();
  await page.getByText("An order has at most 200 different products.").waitFor();
  await page.getByRole("link", { name: "Basket, 200 pieces" }).waitFor();
  expect(problems).toEqual([]);
  await context.close();
});

test("while a product is being loaded, the title is not that of the catalogue", async () => {
  const id = await addProduct("Wool Blanket", 20);
  const { page, context } = await openConsole(browser, shop.url);
  const held = Promise.withResolvers<undefined>();
  await page.route("**/graphql", async (route, request) => {
    if ((request.postData() ?? "").includes("query ProductView")) await held.promise;
    await route.continue();
  });
  await page.goto(`${shop.url}/console/products/${id}`);
  await untilLoaded(page, "Product");
  held.resolve(undefined);
  await untilLoaded(page, "Wool Blanket");
  await context.close();
});

test("on a phone, status and tracking of an order are above its products", async () => {
  const { page, context, email } = await openSignedIn("/orders");
  const { token } = await logIn(shop, { email });
  const { order } = await placeOrder(shop, token, [await addProduct("Wool Hat", 20), 1]);
  await shop.call("orders.ship", { id: order?.id, tracking: "Parcel 7" });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${shop.url}/console/orders/${order?.id ?? ""}`);
  const tracking = await page.getByText("Tracking: Parcel 7").boundingBox();
  const products = await page.getByRole("table", { name: "Products" }).boundingBox();
  expect(tracking?.y).toBeLessThan(products?.y ?? 0);
  await context.close();
});

test("a customer searches, registers, orders with a double click, and cancels", async () => {
  const kettle = await addProduct("Copper Kettle", 20);
  await addProduct("Paper Lamp", 20);
  const { page, context, problems } = await openConsole(browser, shop.url);
  await page.getByRole("link", { name: "Paper Lamp" }).waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByLabel("Price to").fill("abc");
  await page.getByText("Enter a price of 0 or more, for example 12.50.").waitFor();
  await page.getByRole("link", { name: "Paper Lamp" }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByRole("link", { name: "Paper Lamp" }).waitFor();
  await page.getByLabel("Search").fill("copper kettle");
  await page.getByRole("link", { name: "Paper Lamp" }).waitFor({ state: "detached" });
  expect(page.url()).toContain("q=copper");
  await page.getByRole("button", { name: "Add Copper Kettle to the basket" }).click();
  await page.getByRole("link", { name: "Basket, 1 piece" }).waitFor();

  // A reload keeps the basket.
  await page.reload();
  await page.getByRole("link", { name: "Basket, 1 piece" }).click();
  await untilLoaded(page, "Basket");
  const quantity = page.getByRole("textbox", { name: /^Quantity/ });
  await quantity.fill("1,5");
  await quantity.press("Tab");
  expect(await quantity.inputValue()).toBe("1");
  await page.getByText("Enter a whole number of at least 1. The quantity is now 1.").waitFor();
  await page.getByRole("button", { name: "Increase" }).click();
  await page.getByText("€50.00").first().waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByRole("link", { name: "Sign in to order" }).click();
  await untilLoaded(page, "Sign in");
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByRole("link", { name: "Create an account" }).click();
  await untilLoaded(page, "Create an account");
  expect(await page.evaluate<string>("document.activeElement.textContent")).toBe(
    "Create an account",
  );
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByLabel("Name").fill("Kim");
  await page.getByLabel("Email").fill("kim@example.com");
  await page.getByLabel("Password").fill("kim@example.com");
  await page.getByRole("button", { name: "Create account" }).click();
  // The shop's rule about passwords, at the field.
  await page.locator('input[name="password"][aria-invalid="true"]').waitFor();
  await page.getByText("Password is the account's email or name").waitFor();
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await untilLoaded(page, "Basket");

  const visited = await page.evaluate<number>("history.length");
  await placeButton(page).dblclick();
  await untilLoaded(page, /^Order /);
  await page.getByRole("main").getByText("Placed").first().waitFor();
  const users = await shop.call<{ email: string; id: string }[]>("users.list");
  const { id = "" } = users.find(({ email }) => email === "kim@example.com") ?? {};
  expect(await ordersOf(id)).toHaveLength(1);
  expect(await page.evaluate<number>("history.length")).toBe(visited + 1);
  expect(await stockOf(kettle)).toBe(18);
  await page.getByRole("link", { name: "Basket", exact: true }).waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);

  await page.getByRole("button", { name: "Cancel order" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Cancel order" }).click();
  await page.getByRole("main").getByText("Cancelled").first().waitFor();
  // The button of the dialog and the one that opened it are gone.
  await eventually(
    "the focus at the title",
    async () => (await page.evaluate<string>("document.activeElement.tagName")) === "H1",
  );
  await page.getByRole("link", { name: "All orders" }).click();
  await page.getByRole("table").getByText("Cancelled").waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await eventually("the restock", async () => (await stockOf(kettle)) === 20);
  expect(problems).toEqual([]);
  await context.close();
});

test("a name of one long word widens no page", async () => {
  const name = "W".repeat(200);
  await addProduct(name, 20);
  const viewport = { width: 360, height: 740 };
  const { page, context } = await openConsole(browser, shop.url, "", { viewport });
  const fits = async () =>
    await page.evaluate<boolean>(
      "[...document.querySelectorAll('html, main li')].every((box) => box.scrollWidth <= box.clientWidth)",
    );
  await page.getByRole("button", { name: `Add ${name} to the basket` }).click();
  expect(await fits()).toBe(true);
  await page.getByRole("link", { name, exact: true }).click();
  await untilLoaded(page, name);
  expect(await fits()).toBe(true);
  await page.getByRole("link", { name: "Basket, 1 piece" }).click();
  await untilLoaded(page, "Basket");
  await page.getByRole("textbox", { name: /^Quantity/ }).waitFor();
  expect(await fits()).toBe(true);
  await context.close();
});

test("the stock of a product changes without a reload, until it is sold out", async () => {
  const id = await addProduct("Oak Clock", 20);
  const { page, context, problems } = await openConsole(browser, shop.url, `/products/${id}`);
  await page.getByText("In stock", { exact: true }).waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await eventually("the subscription", () => subscriptionsTo(shop, "inventory.updated") > 0);
  await changeStock(id, -17);
  await page.getByText("Only 3 left").waitFor();
  await changeStock(id, -3);
  await page.getByText("Sold out").waitFor();
  expect(await page.getByRole("button", { name: "Add to basket" }).count()).toBe(0);
  await changeStock(id, 9);
  await page.getByText("In stock", { exact: true }).waitFor();
  await page.getByRole("link", { name: "Back to the catalogue" }).click();
  await untilLoaded(page, "Catalogue");
  await changeStock(id, -9);
  await page.getByRole("listitem").filter({ hasText: "Oak Clock" }).getByText("Sold out").waitFor();
  expect(problems).toEqual([]);
  await context.close();
});

test("a line that is out of stock or has another price is shown with what can be done", async () => {
  const scarce = await addProduct("Brass Vase", 5);
  const gone = await addProduct("Marble Bowl", 5);
  const { page, context, userId, problems } = await openSignedIn("/");
  await putInBasket(page, gone, 1);
  await putInBasket(page, scarce, 4);
  await eventually("the subscription", () => subscriptionsTo(shop, "inventory.updated") > 0);
  // What happens in the shop meanwhile.
  await changeStock(gone, -5);
  await page.getByText("Sold out. Remove it to order the rest.").waitFor();
  expect(await placeButton(page).isEnabled()).toBe(false);
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByRole("alert").getByRole("button", { name: "Remove" }).click();

  // Another customer is faster than the events.
  let isFirst = true;
  await page.route("**/graphql", async (route, request) => {
    if (isPlaceOrder(request) && isFirst) {
      isFirst = false;
      await shop.call("products.update", { id: scarce, version: 1, price: 2_700 });
      await changeStock(scarce, -3);
    }
    await route.continue();
  });
  await placeButton(page).click();
  await page.getByRole("button", { name: "Reduce to 2" }).click();
  await page.getByText("The price was €25.00 and is now €27.00.").waitFor();
  await page.getByRole("button", { name: "Accept new price" }).click();
  await placeButton(page).click();
  await untilLoaded(page, /^Order /);
  await page.getByText("€54.00").first().waitFor();
  expect(await ordersOf(userId)).toHaveLength(1);
  expect(problems).toEqual([]);
  await context.close();
});

test("an order at a price that the page has not shown is not sent", async () => {
  const id = await addProduct("Pewter Jug", 5);
  const { page, context, problems, userId } = await openSignedIn("/");
  await putInBasket(page, id, 1);
  await page.getByText("€25.00 each").waitFor();
  // The price changes when the order is on its way: the page cannot have shown it.
  let isUpdated = false;
  await context.route("**/graphql", async (route) => {
    if (!isUpdated && route.request().postData()?.includes("placeOrder") === true) {
      isUpdated = true;
      await shop.call("products.update", { id, version: 1, price: 70_000 });
    }
    await route.continue();
  });
  await placeButton(page).click();
  await page.getByText("Prices have changed.").waitFor();
  await page.getByText("The price was €25.00 and is now €700.00.").waitFor();
  expect(await ordersOf(userId)).toEqual([]);
  await page.getByRole("button", { name: "Accept new price" }).click();
  await placeButton(page).click();
  await untilLoaded(page, /^Order /);
  expect(await ordersOf(userId)).toHaveLength(1);
  expect(problems).toEqual([]);
  await context.close();
});

test.each([1_440, 360])(
  "changed prices beside a deleted product are decided line by line, after a lost request, at %i px",
  async (width) => {
    const ids = await Promise.all(["Cork", "Felt", "Wool"].map((name) => addProduct(name, 5)));
    const [cork = "", felt = "", wool = ""] = ids;
    const { page, context, userId } = await openSignedIn("/");
    await page.setViewportSize({ width, height: 800 });
    for (const id of ids) await putInBasket(page, id, 1);
    // What happens in the shop while the second request is on its way.
    let meanwhile: (() => Promise<void>) | undefined;
    const sent: { key: string | undefined; input: unknown }[] = [];
    await page.route("**/graphql", async (route, request) => {
      if (!isPlaceOrder(request)) return route.continue();
      const { variables } = request.postDataJSON() as { variables: unknown };
      sent.push({ key: request.headers()["idempotency-key"], input: variables });
      if (meanwhile === undefined) return route.abort();
      await meanwhile();
      meanwhile = () => Promise.resolve();
      return route.continue();
    });
    await placeButton(page).click();
    await page.getByText("Your last order got no answer").waitFor();
    meanwhile = async () => {
      await shop.call("products.update", { id: cork, version: 1, price: 2_700 });
      await shop.call("products.update", { id: felt, version: 1, price: 2_900 });
      await shop.call("products.updateInventory", { id: wool, type: 3, number: 1 });
    };
    await placeButton(page).click();
    const line = (name: string) => page.getByRole("listitem").filter({ hasText: name });
    await line("Wool").getByText("Sold out. Remove it to order the rest.").waitFor();
    // The shop accepts one input only for a key.
    expect(new Set(sent.map((request) => JSON.stringify(request))).size).toBe(1);
    expect(await placeButton(page).isEnabled()).toBe(false);
    expect(await accessibilityFaults(page)).toEqual([]);
    await line("Wool").getByRole("alert").getByRole("button", { name: "Remove" }).click();
    await line("Cork").getByText("The price was €25.00 and is now €27.00.").waitFor();
    await line("Cork").getByRole("button", { name: "Accept new price" }).click();
    expect(await placeButton(page).isEnabled()).toBe(false);
    await line("Felt").getByText("The price was €25.00 and is now €29.00.").waitFor();
    await line("Felt").getByRole("button", { name: "Accept new price" }).click();
    expect(await page.getByRole("alert").count()).toBe(0);
    await placeButton(page).click();
    await untilLoaded(page, /^Order /);
    await page.getByText("€56.00").first().waitFor();
    expect(await ordersOf(userId)).toHaveLength(1);
    await context.close();
  },
);

test("an order that was lost before a price changed is placed at the accepted price", async () => {
  const id = await addProduct("Clay Oven", 5);
  const { page, context, userId } = await openSignedIn("/");
  await putInBasket(page, id, 1);
  let isConnected = false;
  await page.route("**/graphql", (route, request) =>
    isConnected || !isPlaceOrder(request) ? route.continue() : route.abort(),
  );
  await placeButton(page).click();
  await page.getByText("Your last order got no answer").waitFor();
  await shop.call("products.update", { id, version: 1, price: 2_700 });
  await page.reload();
  await page.getByRole("button", { name: "Accept new price" }).click();
  isConnected = true;
  await placeButton(page).click();
  await untilLoaded(page, /^Order /);
  await page.getByText("€27.00").first().waitFor();
  expect(await ordersOf(userId)).toHaveLength(1);
  await context.close();
});

test("an order whose answer is lost stays one order, also after a reload", async () => {
  const id = await addProduct("Linen Blanket", 5);
  const { page, context, userId } = await openSignedIn("/");
  await putInBasket(page, id, 1);
  await page.route("**/graphql", async (route, request) => {
    if (!isPlaceOrder(request)) {
      await route.continue();
      return;
    }
    // The shop gets the order, and the answer is lost.
    await route.fetch();
    await route.abort();
  });
  await placeButton(page).click();
  const notice = page.getByRole("alert").filter({ hasText: "Your last order got no answer" });
  await notice.getByText("The shop could not be reached.").waitFor();
  expect(await page.getByRole("alert").count()).toBe(1);
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.unroute("**/graphql");
  await page.reload();
  await notice.getByRole("link", { name: "Your orders" }).waitFor();
  await placeButton(page).click();
  await untilLoaded(page, /^Order /);
  expect(await ordersOf(userId)).toHaveLength(1);
  expect(await stockOf(id)).toBe(4);
  await context.close();
});

test("an order whose key the shop has forgotten is placed again only as another one", async () => {
  const id = await addProduct("Linen Scarf", 5);
  const { page, context, userId } = await openSignedIn("/");
  await putInBasket(page, id, 1);
  const keys: (string | undefined)[] = [];
  let isConnected = false;
  await page.route("**/graphql", async (route, request) => {
    if (!isPlaceOrder(request)) return route.continue();
    keys.push(request.headers()["idempotency-key"]);
    if (isConnected) return route.continue();
    await route.fetch();
    return route.abort();
  });
  await placeButton(page).click();
  await page.getByText("it stays one order").waitFor();
  isConnected = true;
  // A day passes, in which the page does nothing.
  await page.evaluate(`{
    const [attempt] = JSON.parse(localStorage.getItem("shop-console-checkout"));
    attempt.atMs -= 23 * 3_600_000;
    localStorage.setItem("shop-console-checkout", JSON.stringify([attempt]));
  }`);
  const sent = keys.length;
  await placeButton(page).click();
  await page.getByText("It may already have been placed. Look at your orders first").waitFor();
  expect(await page.getByText("it stays one order").count()).toBe(0);
  expect(keys).toHaveLength(sent);
  await page.reload();
  await page.getByText("It may already have been placed. Look at your orders first").waitFor();
  expect(await page.getByRole("alert").getByRole("link", { name: "Your orders" }).count()).toBe(1);
  await placeButton(page).click();
  await untilLoaded(page, /^Order /);
  expect(keys.at(-1)).not.toBe(keys[0]);
  expect(await ordersOf(userId)).toHaveLength(2);
  await context.close();
});

test("an order that was not sent, because there is no network, is not called lost", async () => {
  const id = await addProduct("Linen Cap", 5);
  const { page, context, userId } = await openSignedIn("/");
  await putInBasket(page, id, 1);
  await context.setOffline(true);
  await page.getByText("You are offline.").waitFor();
  await placeButton(page).click();
  await page.getByRole("alert").getByText("The shop could not be reached.").waitFor();
  expect(await page.getByText("Your last order got no answer").count()).toBe(0);
  await context.setOffline(false);
  await page.reload();
  await untilLoaded(page, "Basket");
  expect(await page.getByText("Your last order got no answer").count()).toBe(0);
  await placeButton(page).click();
  await untilLoaded(page, /^Order /);
  expect(await ordersOf(userId)).toHaveLength(1);
  await context.close();
});

test("what is put into the basket while an order is sent stays there, and the customer stays, too", async () => {
  const lamp = await addProduct("Reading Lamp", 20);
  const vase = await addProduct("Stone Vase", 20);
  const { page, context, userId, problems } = await openSignedIn("/");
  await putInBasket(page, lamp, 1);
  const held = Promise.withResolvers<undefined>();
  const sent = page.waitForRequest(isPlaceOrder);
  await page.route("**/graphql", async (route, request) => {
    if (isPlaceOrder(request)) await held.promise;
    await route.continue();
  });
  await placeButton(page).click();
  await sent;
  await page.getByRole("navigation").getByRole("link", { name: "Catalogue" }).click();
  await page.getByRole("button", { name: "Add Stone Vase to the basket" }).click();
  await page.getByRole("button", { name: "Add Reading Lamp to the basket" }).click();
  await page.getByRole("link", { name: "Basket, 3 pieces" }).waitFor();
  held.resolve(undefined);
  await page.getByText(/^Order .* is placed\.$/).waitFor();
  await page.getByRole("link", { name: "Basket, 2 pieces" }).waitFor();
  await untilLoaded(page, "Catalogue");
  expect(await ordersOf(userId)).toHaveLength(1);
  expect(await stockOf(lamp)).toBe(19);
  expect(await stockOf(vase)).toBe(20);
  expect(problems).toEqual([]);
  await context.close();
});

test("without live updates, a line that was sold out can be ordered when the shop has it again", async () => {
  const id = await addProduct("Wool Rug", 5);
  const { page, context } = await openSignedIn("/");
  await page.routeWebSocket(/graphql/, (socket) => void socket.close());
  await page.clock.install();
  await putInBasket(page, id, 2);
  await changeStock(id, -5);
  await placeButton(page).click();
  await page.getByText("Sold out. Remove it to order the rest.").waitFor();
  await changeStock(id, 5);
  await page.clock.fastForward(60_000);
  await page.getByText("Sold out. Remove it to order the rest.").waitFor({ state: "detached" });
  await placeButton(page).click();
  await untilLoaded(page, /^Order /);
  await context.close();
});

test("two tabs share the session, renew it at the same time, and leave together", async () => {
  const { page, context, email, problems } = await openSignedIn("/orders");
  const other = await openTab(context, shop.url, "/orders", problems);
  await untilLoaded(other, "Orders");
  await other.getByRole("button", { name: "Account menu" }).waitFor();
  // Each tab needs a new access token after a reload.
  for (let round = 0; round < 3; round += 1) {
    await Promise.all([page.reload(), other.reload()]);
    for (const tab of [page, other]) await tab.getByText("You have no orders yet").waitFor();
  }
  // The access token expires in the middle of a visit.
  const renewals: string[] = [];
  page.on("request", (request) => {
    if ((request.postData() ?? "").includes("mutation Refresh")) renewals.push(request.url());
  });
  await page.clock.install();
  await page.clock.setSystemTime(Date.now() + 3_600_000);
  const navigation = page.getByRole("navigation");
  await navigation.getByRole("link", { name: "Catalogue" }).click();
  await navigation.getByRole("link", { name: "Orders" }).click();
  await page.getByRole("button", { name: "Account menu" }).click();
  await page.getByRole("menuitem", { name: "Account" }).click();
  await page.getByText("This session").waitFor();
  expect(renewals.length).toBeGreaterThan(0);
  expect(await accessibilityFaults(page)).toEqual([]);

  await page.getByRole("button", { name: "Account menu" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in" }).waitFor();
  await other.getByText("Sign in to see this page").waitFor();
  await other.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  await signIn(other, email);
  await page.getByRole("button", { name: "Account menu" }).waitFor();
  expect(problems).toEqual([]);
  await context.close();
});

test("when the user changes, the other tabs close the WebSocket of the former user", async () => {
  // A page without subscriptions: the end of a page does not show as the end of its WebSocket.
  const { page, context, problems } = await openSignedIn("/account");
  const sockets: WebSocket[] = [];
  page.on("websocket", (socket) => sockets.push(socket));
  await page.goto(`${shop.url}/console/`);
  await eventually("the WebSocket of the first user", () => sockets.length === 1);
  const other = await openTab(context, shop.url, "/orders", problems);
  await other.getByRole("button", { name: "Account menu" }).click();
  await other.getByRole("menuitem", { name: "Sign out" }).click();
  await other.getByRole("link", { name: "Sign in" }).first().click();
  await signIn(other, (await newAccount(shop)).email);
  await eventually("the WebSocket of the second user", () => sockets.length > 1);
  await eventually("the end of the first user's WebSocket", () => sockets[0]?.isClosed());
  expect(problems).toEqual([]);
  await context.close();
});

test("a WebSocket that is still connecting when the user signs out elsewhere is no error", async () => {
  const { page, context, problems } = await openSignedIn("/account");
  const other = await openTab(context, shop.url, "/account", problems);
  const handshake = holdHandshakes();
  const opened = page.waitForEvent("websocket");
  await page.goto(`${shop.url}/console/`);
  const socket = await opened;
  await other.getByRole("button", { name: "Account menu" }).click();
  await other.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in" }).waitFor();
  handshake.release();
  await eventually("the end of the WebSocket", () => socket.isClosed());
  expect(problems).toEqual([]);
  await context.close();
});

test("a session that ends elsewhere ends here, and the basket is kept", async () => {
  const id = await addProduct("Cork Backpack", 5);
  const { page, context, email, problems } = await openSignedIn("/");
  await putInBasket(page, id, 2);
  // A page without a WebSocket learns it from the other one.
  const other = await openTab(context, shop.url, "/account", problems);
  await other.getByText("This session").waitFor();
  const { token } = await logIn(shop, { email });
  await shop.graphql("mutation { logoutEverywhere { success } }", { token });
  // The gateway closes the connection of the session, so the page knows at once.
  await page.getByText("Your session has ended.").waitFor();
  await other.getByText("Your session has ended.").waitFor();
  await other.close();
  await page.getByRole("link", { name: "Sign in to order" }).click();
  await signIn(page, email);
  await untilLoaded(page, "Basket");
  await placeButton(page).click();
  await untilLoaded(page, /^Order /);
  expect(problems).toEqual([]);
  await context.close();
});

test("the account page changes name, email and password, and ends other sessions", async () => {
  const { page, context, email, problems } = await openSignedIn("/account");
  await logIn(shop, { email });
  await logIn(shop, { email });
  await page.reload();
  await page.getByRole("cell", { name: "node", exact: true }).first().waitFor();
  const device = page.getByRole("cell", { name: "Chrome on Linux" }).getByTitle(/^Mozilla/);
  expect(await device.count()).toBe(1);
  const ends = page.getByRole("button", { name: /^End the session of/ });
  const held = Promise.withResolvers<undefined>();
  await page.route("**/graphql", async (route, request) => {
    if ((request.postData() ?? "").includes("mutation EndSession")) await held.promise;
    await route.continue();
  });
  await ends.first().click();
  // The page ends one session at a time.
  await eventually("the other button waiting", () => ends.last().isDisabled());
  held.resolve(undefined);
  await page.getByText("The session has ended.").waitFor();
  await eventually("the list without the session", async () => (await ends.count()) === 1);
  await ends.click();
  await ends.waitFor({ state: "detached" });
  await page.unroute("**/graphql");
  await page.getByLabel("Name").fill("Robin");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Your profile is saved.").waitFor();
  const emails = page.getByRole("region", { name: "Email" });
  await emails.getByLabel("Email").fill(`new-${email}`);
  await emails.getByLabel("Current password").fill("wrong password");
  await emails.getByRole("button").click();
  await emails.getByText("This is not your current password.").waitFor();
  expect(await page.evaluate<string>("document.activeElement.name")).toBe("password");
  await emails.getByLabel("Current password").fill(password);
  await emails.getByRole("button").click();
  await page.getByText("Your email is changed.").waitFor();
  const passwords = page.getByRole("region", { name: "Password" });
  await passwords.getByLabel("Current password").fill(password);
  await passwords.getByLabel("New password").fill("another horse");
  await passwords.getByRole("button").click();
  await page.getByText("Your password is changed.").waitFor();
  await logIn(shop, { email: `new-${email}` }, "another horse");
  expect(problems).toEqual([]);
  await context.close();
});

test("a new account and a new password are there, also if the sign-in after them fails", async () => {
  const { page, context } = await openConsole(browser, shop.url, "/register?next=/account");
  const email = "lee@example.com";
  let isCut = true;
  await page.route("**/graphql", async (route, request) => {
    const isLogin = (request.postData() ?? "").includes("mutation Login");
    await (isCut && isLogin ? route.abort() : route.continue());
  });
  await page.getByLabel("Name").fill("Lee");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText("Your account is created. Sign in with it.").waitFor();
  await untilLoaded(page, "Sign in");
  isCut = false;
  await signIn(page, email);
  await untilLoaded(page, "Account");

  isCut = true;
  const passwords = page.getByRole("region", { name: "Password" });
  await passwords.getByLabel("Current password").fill(password);
  await passwords.getByLabel("New password").fill("another horse");
  await passwords.getByRole("button").click();
  await page.getByText("Your password is changed. Sign in with it.").waitFor();
  await page.getByText("Sign in to see this page").waitFor();
  await logIn(shop, { email }, "another horse");
  await context.close();
});

test("a reset token sets a new password", async () => {
  const { id, email } = await newAccount(shop);
  const { token } = await shop.call<{ token: string }>("users.createPasswordReset", { id });
  const { page, context, problems } = await openConsole(browser, shop.url, "/sign-in");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await untilLoaded(page, "Set a new password");
  expect(await accessibilityFaults(page)).toEqual([]);
  const reset = async (typed: string) => {
    await page.getByLabel("Reset token").fill(typed);
    await page.getByLabel("New password").fill("another horse");
    await page.getByRole("button", { name: "Set password" }).click();
  };
  await reset("no token");
  await page.getByText("This token is unknown, expired or used.").waitFor();
  await reset(token);
  await untilLoaded(page, "Sign in");
  await logIn(shop, { email }, "another horse");
  // An unknown product is no failure that another attempt could mend.
  await page.goto(`${shop.url}/console/products/undefined`);
  await untilLoaded(page, "There is no such product");
  expect(await page.getByRole("button", { name: "Try again" }).count()).toBe(0);
  expect(problems).toEqual([]);
  await context.close();
});

test("the keyboard skips to the content, and a lost connection is shown", async () => {
  const { page, context, problems } = await openConsole(browser, shop.url, "/nowhere");
  await untilLoaded(page, "There is no such page");
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  expect(await page.evaluate<string>("document.activeElement.id")).toBe("content");
  await context.setOffline(true);
  await page.getByText("You are offline.").waitFor();
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByText("This page could not be loaded").waitFor();
  await context.setOffline(false);
  await untilLoaded(page, "Sign in");
  await page.getByText("You are offline.").waitFor({ state: "detached" });
  // The connection of the subscription was lost, too. React logs what an error boundary catches.
  const expected = /ERR_INTERNET_DISCONNECTED|PageNotLoaded/;
  expect(problems.filter((problem) => !expected.test(problem))).toEqual([]);
  await context.close();
});

test("a page whose file is not loaded yet loads when the shop answers again", async () => {
  const { page, context } = await openConsole(browser, shop.url);
  await untilLoaded(page, "Catalogue");
  let isDown = true;
  await context.route("**/*", (route) => (isDown ? route.abort() : route.continue()));
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByText("This page could not be loaded").waitFor();
  // The page has asked, in vain.
  await page.waitForEvent("requestfailed", (request) => request.url().endsWith("/console/sign-in"));
  isDown = false;
  await untilLoaded(page, "Sign in");
  await context.close();
});

test("a search without a connection says that it waits, and is done later", async () => {
  await addProduct("Cork Board", 20);
  const { page, context } = await openConsole(browser, shop.url);
  await page.getByRole("link", { name: "Cork Board" }).waitFor();
  await context.setOffline(true);
  await page.getByText("You are offline.").waitFor();
  await page.getByLabel("Search").fill("cork");
  await page.getByText("This is loaded when the connection is back.").waitFor();
  await context.setOffline(false);
  await page.getByRole("link", { name: "Cork Board" }).waitFor();
  await context.close();
});

/** Lets the browser say that it has no network. Its requests go on. */
async function loseNetwork(page: Page): Promise<void> {
  await page.evaluate(`
    Object.defineProperty(navigator, "onLine", { value: false });
    dispatchEvent(new Event("offline"));
  `);
}

/** Matches the address of the page itself, with which it asks whether the shop answers. */
const isAddressOf = (page: Page) => (url: URL) => url.pathname === new URL(page.url()).pathname;

test("a page is offline also if the shop has answered once more when the network was lost", async () => {
  const { page, context } = await openConsole(browser, shop.url);
  await untilLoaded(page, "Catalogue");
  const asked = page.waitForResponse(page.url());
  await loseNetwork(page);
  await asked;
  await context.route("**/*", (route) => route.abort());
  await page.getByText("You are offline.").waitFor();
  await context.close();
});

test("a page stays offline when a request is answered that was sent before", async () => {
  await addProduct("Glass Board", 20);
  const { page, context } = await openConsole(browser, shop.url);
  await untilLoaded(page, "Catalogue");
  const held: Route[] = [];
  await context.route("**/graphql", (route) => void held.push(route));
  await page.getByLabel("Search").fill("glass");
  await eventually("the search being sent", () => held.length > 0);
  await context.route(isAddressOf(page), (route) => route.abort());
  await loseNetwork(page);
  await page.getByText("You are offline.").waitFor();
  for (const route of held) await route.continue();
  await page.getByRole("link", { name: "Glass Board" }).waitFor();
  expect(await page.getByText("You are offline.").count()).toBe(1);
  await context.close();
});

test("a page loads when the shop answers again, also if a question before got no answer at all", async () => {
  await addProduct("Slate Board", 20);
  const { page, context } = await openConsole(browser, shop.url);
  await untilLoaded(page, "Catalogue");
  await context.route("**/graphql", (route) => route.abort());
  let questions = 0;
  const isQuestion = isAddressOf(page);
  await context.route(isQuestion, (route) => {
    questions += 1;
    // The first one is never answered: the network drops its packets.
    return questions === 1 ? undefined : route.continue();
  });
  const asked = page.waitForRequest((request) => isQuestion(new URL(request.url())));
  await page.getByLabel("Search").fill("slate");
  await asked;
  await context.unroute("**/graphql");
  await page.getByRole("link", { name: "Slate Board" }).waitFor();
  await context.close();
});

test("a browser without a network uses a shop that answers, as one on the same machine", async () => {
  await addProduct("Felt Board", 20);
  const { page, context, problems } = await openConsole(browser, shop.url);
  await page.getByRole("link", { name: "Felt Board" }).waitFor();
  const asked = page.waitForResponse(page.url());
  await loseNetwork(page);
  await asked;
  const searched = page.waitForResponse((response) => response.url().endsWith("/graphql"));
  await page.getByLabel("Search").fill("felt");
  await searched;
  expect(await page.getByText("You are offline.").count()).toBe(0);
  expect(problems).toEqual([]);
  await context.close();
});

test("a page whose first file fails says so, and loads again", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  let failures = 1;
  await page.route("**/console/assets/index-*.js", async (route) => {
    failures -= 1;
    await (failures >= 0 ? route.fulfill({ status: 404 }) : route.continue());
  });
  await page.goto(`${shop.url}/console`);
  await page.getByText("The page could not be loaded.").waitFor();
  await untilLoaded(page, "Catalogue");
  expect(await page.evaluate("sessionStorage.length")).toBe(0);
  await context.close();
});
