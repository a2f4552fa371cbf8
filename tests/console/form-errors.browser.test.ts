import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Locator, Page } from "playwright-core";
import { eventually } from "../../tools/support/eventually.ts";
import { accessibilityFaults } from "../support/console/accessibility-faults.ts";
import {
  launchBrowser,
  openConsole,
  signIn,
  type ConsolePage,
} from "../support/console/console-browser.ts";
import { newAccount } from "../support/sessions.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let browser: Browser;
let admin: ConsolePage;

beforeAll(async () => {
  shop = await startTestShop();
  browser = await launchBrowser();
  const { email } = await newAccount(shop, 1);
  admin = await openConsole(browser, shop.url, "/sign-in?next=/admin/products");
  await signIn(admin.page, email);
  await heading("Products");
});
afterAll(async () => {
  await browser.close();
  await shop.stop();
});

const heading = (name: string) =>
  admin.page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const button = (name: string) => admin.page.getByRole("button", { name, exact: true });

async function open(path: string, title: string): Promise<Page> {
  await admin.page.goto(`${shop.url}/console${path}`);
  await heading(title);
  return admin.page;
}

const addProduct = (name: string, more: object = {}) =>
  shop.call<{ id: string }>("products.create", {
    name,
    description: "",
    price: 500,
    stock: 5,
    ...more,
  });

/** Expects that a field has the focus, and that screen readers find its error there. */
async function expectErrorAt(field: Locator, message: string | RegExp): Promise<void> {
  await field.and(admin.page.locator("[aria-invalid=true]:focus")).waitFor();
  const ids = (await field.getAttribute("aria-describedby")) ?? "";
  const texts = await Promise.all(
    ids.split(" ").map((id) => admin.page.locator(`[id="${id}"]`).textContent()),
  );
  expect(texts.join(" ")).toMatch(message);
  expect(await admin.page.getByRole("alert").count()).toBe(0);
}

/** What the tests use of an element: they have no types of the browser. */
interface PageElement {
  getBoundingClientRect: () => { x: number; y: number; width: number; height: number };
  contains: (other: unknown) => boolean;
  ownerDocument: { elementFromPoint: (x: number, y: number) => unknown };
}

/** Waits until nothing covers the middle of an element, and it is in the part of the page that is shown. */
async function inView(element: Locator): Promise<void> {
  await eventually("the element is in view", () =>
    element.evaluate((node: PageElement) => {
      const { x, y, width, height } = node.getBoundingClientRect();
      return node.contains(node.ownerDocument.elementFromPoint(x + width / 2, y + height / 2));
    }),
  );
}

test("an error of a whole form, and a lost connection, are seen from the button of a long form", async () => {
  const { id } = await addProduct("Lid");
  const page = await open(`/admin/products/${id}`, "Lid");
  await page.setViewportSize({ width: 1280, height: 520 });
  await page.getByLabel("Name", { exact: true }).fill("Cover");
  await page.route("**/*", (route) => route.abort());
  await button("Save changes").click();
  await inView(page.getByRole("alert").getByText("The shop could not be reached."));
  await inView(page.getByText("The shop does not answer."));
  await page.unrouteAll();
  await button("Save changes").click();
  await heading("Cover");

  await page.getByLabel("Name", { exact: true }).fill("Top");
  await shop.call("products.update", { id, version: 2, name: "Cap" });
  await button("Save changes").click();
  await inView(page.getByRole("alert").getByText("The product was changed meanwhile"));
  await button("Discard my entries").click();
  const question = page.getByRole("dialog", { name: "Discard your changes?" });
  await question.getByRole("button", { name: "Discard changes" }).click();
  await heading("Cap");
  await page.setViewportSize({ width: 1280, height: 800 });
  admin.problems.length = 0;
});

test("an SKU that is taken is an error of the SKU field, of a new and of a changed product", async () => {
  await addProduct("Bowl", { sku: "BOWL" });
  const page = await open("/admin/products/new", "New product");
  await page.getByLabel("Name", { exact: true }).fill("Dish");
  await page.getByLabel("Price").fill("4");
  await page.getByLabel("SKU").fill("BOWL");
  await button("Create product").click();
  await expectErrorAt(page.getByLabel("SKU"), "Another product of the catalogue has this SKU.");
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByLabel("SKU").fill("DISH");
  await button("Create product").click();
  await heading("Dish");
  await page.getByLabel("SKU").fill("BOWL");
  await button("Save changes").click();
  await expectErrorAt(page.getByLabel("SKU"), "Another product of the catalogue has this SKU.");
});

test("after a conflict, the page shows the saved product, and a value that the shop rejects can be corrected", async () => {
  await addProduct("Cup", { sku: "CUP" });
  const { id } = await addProduct("Pot");
  const page = await open(`/admin/products/${id}`, "Pot");
  await page.getByLabel("Name", { exact: true }).fill("My pot");
  await page.getByLabel("SKU").fill("CUP");
  await shop.call("products.update", { id, version: 1, name: "Their pot", price: 700 });
  await button("Save changes").click();
  await button("Save the chosen values").waitFor();
  await heading("Their pot");
  await page.getByRole("row").filter({ hasText: "€7.00" }).first().waitFor();

  await button("Save the chosen values").click();
  await expectErrorAt(page.getByLabel("SKU"), "Another product of the catalogue has this SKU.");
  expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("My pot");
  expect(await page.getByLabel("Price", { exact: true }).inputValue()).toBe("7.00");
  // The entries are not saved, so they are not lost without a question.
  await page.getByRole("link", { name: "All products" }).click();
  await button("Keep editing").click();
  await page.getByLabel("SKU").fill("POT");
  await button("Save changes").click();
  await heading("My pot");
  const saved = { name: "My pot", sku: "POT", price: 700, version: 3 };
  expect(await shop.call("products.get", { id })).toMatchObject(saved);
});

test("a stock that the shop rejects is an error of its field", async () => {
  const { id } = await addProduct("Jar");
  const page = await open(`/admin/products/${id}`, "Jar");
  const pieces = page.getByLabel("Pieces", { exact: true });
  await page.getByLabel("Change", { exact: true }).selectOption({ label: "Decrease by" });
  await pieces.fill("6");
  await button("Change stock").click();
  await expectErrorAt(pieces, "The stock is 5 and cannot go below zero.");
  await page.getByLabel("Change", { exact: true }).selectOption({ label: "Set to" });
  await shop.call("products.updateInventory", { id, type: 1, number: 2_000_000_000 });
  await shop.call("products.updateInventory", { id, type: 2, number: 1_000_000_000 });
  await pieces.fill("3000000000");
  await button("Change stock").click();
  await expectErrorAt(
    pieces,
    "Enter a whole number from 0 to 2147483647, without separators for thousands.",
  );
  await page.getByLabel("Change", { exact: true }).selectOption({ label: "Increase by" });
  for (const number of ["-1", "0"]) {
    await pieces.fill(number);
    await button("Change stock").click();
    await expectErrorAt(
      pieces,
      "Enter a whole number from 1 to 2147483647, without separators for thousands.",
    );
  }
  const price = page.getByLabel("Price", { exact: true });
  await price.fill("-1");
  await button("Save changes").click();
  await expectErrorAt(price, "Enter an amount from 0 to 21474836.47");
  await price.fill("5.00");
});

test("a text that is too long is not cut: the shop names its rule at the field", async () => {
  const page = await open("/admin/products/new", "New product");
  await page.getByLabel("Price").fill("4");
  await page.getByLabel("Name", { exact: true }).fill("N".repeat(201));
  await button("Create product").click();
  await expectErrorAt(page.getByLabel("Name", { exact: true }), /^Name .*200/);
});

test("a button that waits for the shop says so, and keeps its name and its size", async () => {
  const page = await open("/admin/products/new", "New product");
  await page.getByLabel("Name", { exact: true }).fill("Tray");
  await page.getByLabel("Price").fill("4");
  const create = page.getByRole("button", { name: /^Create product/ });
  // The page can scroll.
  const shape = async () => ({ ...(await create.boundingBox()), y: 0 });
  const before = await shape();
  const held = Promise.withResolvers<undefined>();
  await page.route("**/graphql", async (route, request) => {
    if ((request.postData() ?? "").includes("mutation AddProduct")) await held.promise;
    await route.continue();
  });
  await create.click();
  await create.getByRole("progressbar", { name: "Working…" }).waitFor();
  expect(await shape()).toEqual(before);
  expect(await accessibilityFaults(page)).toEqual([]);
  held.resolve(undefined);
  await heading("Tray");
  await page.unroute("**/graphql");
});
