import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, openConsole, signIn } from "../support/console/console-browser.ts";
import { layoutFaults, twoFrames } from "../support/console/layout-faults.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { logIn, newAccount } from "../support/sessions.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let browser: Browser;
let page: Page;
let problems: string[];
const ids = { product: "", order: "", user: "", webhook: "" };

beforeAll(async () => {
  shop = await startTestShop();
  browser = await launchBrowser();
  const { email } = await newAccount(shop, 1);
  const buyer = await shop.signIn("a-customer-with-a-long-name");
  ids.user = buyer.id;
  ids.product = await putOnSale(shop, 50, 12_345, "Lamp");
  for (let count = 0; count < 3; count++) {
    const { order } = await placeOrder(shop, buyer.token, [ids.product, 1]);
    ids.order = order?.id ?? "";
  }
  const webhook = { url: "https://webhooks.invalid/hook", events: ["order.placed"] };
  const created = await shop.call<{ webhook: { id: string } }>("webhooks.create", webhook);
  ids.webhook = created.webhook.id;
  const opened = await openConsole(browser, shop.url, "/sign-in?next=/admin");
  const { context } = opened;
  ({ page, problems } = opened);
  await context.addInitScript(`
    globalThis.layoutShift = 0;
    new PerformanceObserver((list) => {
      for (const { value, hadRecentInput } of list.getEntries()) {
        if (!hadRecentInput) layoutShift += value;
      }
    }).observe({ type: "layout-shift", buffered: true });
  `);
  await signIn(page, email);
});
afterAll(async () => {
  await browser.close();
  await shop.stop();
});

/** Opens a page and waits until nothing is being loaded. */
async function open(path: string): Promise<void> {
  await page.goto(`${shop.url}/console${path}`);
  await page.locator("main h1[tabindex]").waitFor();
  await page.locator("[class*=skeleton]").first().waitFor({ state: "detached" });
}

test.each([
  "/",
  "/products/:product",
  "/products/nothing",
  "/basket",
  "/orders",
  "/orders/:order",
  "/account",
  "/sign-in",
  "/register",
  "/reset-password",
  "/nothing",
  "/admin",
  "/admin/products",
  "/admin/products/new",
  "/admin/products/import",
  "/admin/products/:product",
  "/admin/orders",
  "/admin/orders?min=300",
  "/admin/orders/packing",
  "/admin/orders/:order",
  "/admin/users",
  "/admin/users/:user",
  "/admin/webhooks",
  "/admin/webhooks/:webhook",
  "/admin/audit",
  "/admin/audit?trail=__proto__&action=__proto__&outcome=__proto__",
  "/admin/orders?status=__proto__&user=__proto__",
  "/admin/nothing",
  "/operations",
  "/operations/charts",
  "/operations/events",
  "/operations/events/products",
  "/operations/reservations",
  "/operations/audit",
  "/operations/trace",
  "/operations/trace/:order",
  "/operations/nothing",
])("%s has one title, moves nothing while it loads, and fits into small windows", async (path) => {
  await open(path.replace(/:(\w+)/, (_, name) => ids[name as keyof typeof ids]));
  expect(await page.getByRole("heading", { level: 1 }).count()).toBe(1);
  expect(await page.evaluate<number>("layoutShift")).toBeLessThan(0.01);
  expect(await layoutFaults(page)).toEqual([]);
  expect(problems.splice(0)).toEqual([]);
});

test("a name of one long word fits into pages, dialogs and toasts of small windows", async () => {
  const name = "W".repeat(200);
  const account = { email: "long@example.com", username: name.slice(0, 100), password, type: 0 };
  const { id } = await shop.call<{ id: string }>("users.register", account);
  const { token } = await logIn(shop, account);
  const product = await putOnSale(shop, 5, 100, name);
  const { order } = await placeOrder(shop, token, [product, 1]);
  const button = (text: string | RegExp) => page.getByRole("button", { name: text });
  const dialogs: [path: string, opens: string | RegExp | undefined][] = [
    ["/admin", undefined],
    ["/admin/products", undefined],
    ["/admin/orders", /^Ship order/],
    [`/admin/orders/${order?.id ?? ""}`, /^Cancel order/],
    ["/admin/orders/packing", undefined],
    [`/admin/products/${product}`, "Delete product"],
    ["/admin/users", undefined],
    [`/admin/users/${id}`, "Make admin"],
    [`/admin/users/${id}`, /^Erase/],
    ["/admin/audit", undefined],
    [`/operations/trace/${order?.id ?? ""}`, undefined],
  ];
  const faults: string[] = [];
  for (const [path, opens] of dialogs) {
    await open(path);
    if (opens !== undefined) {
      await button(opens).first().click();
      await page.getByRole("dialog").waitFor();
    }
    faults.push(...(await layoutFaults(page)).map((fault) => `${path}: ${fault}`));
  }
  await open(`/products/${product}`);
  await button(/^Add/).first().click();
  await page.getByText(name).last().waitFor();
  faults.push(...(await layoutFaults(page)).map((fault) => `toast: ${fault}`));
  expect(faults).toEqual([]);
});

/** Names what a toast covers, wherever the page is scrolled to: its buttons, and what matches in addition. */
const findCovered = (more: string) => `(() => {
  const toast = document.querySelector("[class*=toast]");
  const covered = new Set();
  for (let top = 0; top <= document.documentElement.scrollHeight; top += 10) {
    scrollTo(0, top);
    for (const target of document.querySelectorAll("main button, ${more}")) {
      const { x, y, width, height } = target.getBoundingClientRect();
      const stack = document.elementsFromPoint(x + width / 2, y + height / 2);
      const below = stack.find((element) => !toast.contains(element));
      if (toast.contains(stack[0]) && target.contains(below)) covered.add(target.ariaLabel ?? target.textContent);
    }
  }
  return [...covered];
})()`;

test("a toast covers no button of the page, and its link can be pressed", async () => {
  const size = page.viewportSize() ?? { width: 1280, height: 800 };
  await page.setViewportSize({ width: 390, height: 844 });
  // The page scrolls, so that each of its buttons can be anywhere.
  const fan = { name: "Fan", description: "It turns. ".repeat(100), price: 500, stock: 5 };
  const { id } = await shop.call<{ id: string }>("products.create", fan);
  for (const path of ["/", `/products/${id}`]) {
    await open(path);
    await page.getByRole("button", { name: /^Add/ }).first().click();
    await page.getByText(/is in the basket/).waitFor();
    expect(await page.evaluate(findCovered("main input"))).toEqual([]);
  }
  await page.getByRole("link", { name: "Show basket" }).click();
  await page.waitForURL("**/basket");
  await page.setViewportSize({ width: 1280, height: 520 });
  await open("/admin/orders");
  await page
    .getByRole("button", { name: /^Ship order/ })
    .first()
    .click();
  await page.getByRole("dialog").getByRole("button", { name: "Ship" }).click();
  await page.getByText(/is shipped\./).waitFor();
  expect(await page.evaluate(findCovered("header a, header button"))).toEqual([]);
  await page.setViewportSize(size);
});

test("the note about a lost connection moves nothing when it comes and when it goes", async () => {
  await open("/operations/reservations");
  await page.evaluate("layoutShift = 0");
  const note = page.getByText("You are offline.");
  for (const isOffline of [true, false]) {
    await page.context().setOffline(isOffline);
    await note.waitFor({ state: isOffline ? "visible" : "detached" });
    // An entry is written after the frame that it is about.
    await page.evaluate(twoFrames);
  }
  expect(await page.evaluate<number>("layoutShift")).toBe(0);
  await page.context().setOffline(true);
  await note.waitFor();
  expect(await layoutFaults(page)).toEqual([]);
  await page.context().setOffline(false);
  await note.waitFor({ state: "detached" });
  // The subscriptions have lost their connection.
  problems.length = 0;
});

test("a dialog with a form has a button that closes it, and gives the focus back", async () => {
  await open("/admin/orders");
  const ship = page.getByRole("button", { name: /^Ship order/ }).first();
  await ship.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await ship.and(page.locator(":focus")).waitFor();
});

test("with the colours of the system, only a selected checkbox has a mark", async () => {
  await open("/");
  await page.emulateMedia({ forcedColors: "active" });
  const mark = page.locator("label svg").first();
  await mark.waitFor({ state: "hidden" });
  await page.getByRole("checkbox").press("Space");
  await mark.waitFor({ state: "visible" });
  await page.emulateMedia({ forcedColors: "none" });
});

test("the own orders of an admin have a link to those of the shop", async () => {
  await open("/orders");
  await page.getByRole("link", { name: "Orders of the shop" }).click();
  await page.waitForURL("**/admin/orders");
});

/** Names what stands on more than one line. */
const findBroken = (selector: string) => `(() => {
  const isBroken = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return new Set([...range.getClientRects()].map(({ bottom }) => Math.round(bottom))).size > 1;
  };
  return [...document.querySelectorAll("${selector}")].filter(isBroken).map(({ innerText }) => innerText);
})()`;

test("order numbers and prices stand on one line", async () => {
  const size = page.viewportSize() ?? { width: 1280, height: 800 };
  const buyer = await shop.signIn("a-customer-whose-name-needs-more-than-one-line-of-a-table");
  await placeOrder(shop, buyer.token, [await putOnSale(shop, 5, 123_456_789, "Diamond"), 1]);
  await page.setViewportSize({ width: 1280, height: 800 });
  await open("/admin/orders");
  await page.getByText("€1,234,567.89").first().waitFor();
  expect(await page.evaluate(findBroken("td:first-child a, td[data-title='Total']"))).toEqual([]);
  for (const width of [390, 360]) {
    await page.setViewportSize({ width, height: 844 });
    await open("/");
    await page.getByText("€1,234,567.89").first().waitFor();
    expect(await page.evaluate(findBroken("[class*=price]"))).toEqual([]);
  }
  await page.setViewportSize(size);
});
