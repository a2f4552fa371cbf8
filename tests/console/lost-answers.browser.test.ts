import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import {
  launchBrowser,
  openConsole,
  signIn,
  untilLoaded,
  type ConsolePage,
} from "../support/console/console-browser.ts";
import { putOnSale } from "../support/ordering.ts";
import { newAccount } from "../support/sessions.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let browser: Browser;
let admin: ConsolePage;

beforeAll(async () => {
  shop = await startTestShop();
  browser = await launchBrowser();
  const { email } = await newAccount(shop, 1);
  admin = await openConsole(browser, shop.url, "/sign-in?next=/admin/products");
  await signIn(admin.page, email);
  await untilLoaded(admin.page, "Products");
});
afterAll(async () => {
  await browser.close();
  await shop.stop();
});

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

/**
 * Presses a button whose mutation takes effect, while the network loses all answers for longer than the
 * client repeats the request. Then the network is back. Returns what the page has said.
 */
async function pressWithoutAnswer(page: Page, name: string, document: string): Promise<string> {
  await page.route("**/*", async (route, request) => {
    if ((request.postData() ?? "").includes(document)) await route.fetch();
    await route.abort();
  });
  await button(page, name).click();
  const text = await page.getByRole("alert").first().innerText();
  await page.unrouteAll({ behavior: "ignoreErrors" });
  return text;
}

test("a change of the stock that is sent again after a lost answer takes effect once", async () => {
  const { page } = admin;
  const id = await putOnSale(shop, 5, 500, "Mug");
  await page.goto(`${shop.url}/console/admin/products/${id}`);
  await untilLoaded(page, "Mug");
  await page.getByLabel("Pieces", { exact: true }).fill("5");
  const text = await pressWithoutAnswer(page, "Change stock", "mutation ChangeStock");
  await button(page, "Change stock").click();
  await page.getByText("The stock is changed.").waitFor();
  expect(await shop.call("products.get", { id })).toMatchObject({ stock: 10 });
  expect(text).toMatch(/^The shop could not be reached\. Your request may have taken effect\./);

  // The outcome is known: the next change is another one.
  await page.getByLabel("Pieces", { exact: true }).fill("5");
  await button(page, "Change stock").click();
  await page.getByRole("row").filter({ hasText: "Increased" }).nth(1).waitFor();
  expect(await shop.call("products.get", { id })).toMatchObject({ stock: 15 });
});

test("a product that is created again after a lost answer is one product", async () => {
  const { page } = admin;
  await page.goto(`${shop.url}/console/admin/products/new`);
  await page.getByLabel("Name", { exact: true }).fill("Lost Jug");
  await page.getByLabel("Price").fill("4");
  await pressWithoutAnswer(page, "Create product", "mutation AddProduct");
  await button(page, "Create product").click();
  await untilLoaded(page, "Lost Jug");
  await page.goto(`${shop.url}/console/admin/products?q=Lost`);
  expect(await page.getByText(/^Total:/).innerText()).toBe("Total: 1");
});

test("an account that is created again after a lost answer is the user's own", async () => {
  const { page, context } = await openConsole(browser, shop.url, "/register");
  await page.getByLabel("Name").fill("Kim");
  await page.getByLabel("Email").fill("kim-lost@example.com");
  await page.getByLabel("Password").fill(password);
  await pressWithoutAnswer(page, "Create account", "mutation CreateAccount");
  await button(page, "Create account").click();
  const taken = page.getByText("There is an account with this email already.");
  await button(page, "Account menu").or(taken).waitFor();
  expect(await taken.count()).toBe(0);
  await context.close();
});
