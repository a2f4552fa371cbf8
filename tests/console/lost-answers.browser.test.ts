import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Locator, Page } from "playwright-core";
import { eventually } from "../../tools/support/eventually.ts";
import {
  launchBrowser,
  openConsole,
  readAgain,
  signIn,
  untilLoaded,
  type ConsolePage,
} from "../support/console/console-browser.ts";
import { putOnSale } from "../support/ordering.ts";
import { logIn, newAccount } from "../support/sessions.ts";
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
async function pressWithoutAnswer(pressed: Locator, document: string): Promise<string> {
  const page = pressed.page();
  await page.route("**/*", async (route, request) => {
    if ((request.postData() ?? "").includes(document)) await route.fetch();
    await route.abort();
  });
  await pressed.click();
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
  const text = await pressWithoutAnswer(button(page, "Change stock"), "mutation ChangeStock");
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
  await pressWithoutAnswer(button(page, "Create product"), "mutation AddProduct");
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
  await pressWithoutAnswer(button(page, "Create account"), "mutation CreateAccount");
  await button(page, "Create account").click();
  const taken = page.getByText("There is an account with this email already.");
  await button(page, "Account menu").or(taken).waitFor();
  expect(await taken.count()).toBe(0);
  await context.close();
});

/** Opens the account page of a new customer. The test can set its clock. */
async function openAccount() {
  const { email } = await newAccount(shop);
  const opened = await openConsole(browser, shop.url, "/sign-in?next=/account");
  const { page } = opened;
  await page.clock.install();
  let token = "";
  page.on("request", (request) => {
    token = request.headers().authorization ?? token;
  });
  await signIn(page, email);
  await untilLoaded(page, "Account");
  await page.getByText("This session").waitFor();
  /** Waits until the gateway rejects the access token of the page. */
  const untilEnded = () =>
    eventually("the end of the session", async () => {
      const { code } = await shop.graphql("{ sessions { id } }", { token });
      return code === "UNAUTHENTICATED";
    });
  return { ...opened, email, untilEnded };
}

test("after a change of the password without an answer, the page says that it may already have been changed", async () => {
  const { page, context, email, untilEnded } = await openAccount();
  const passwords = page.getByRole("region", { name: "Password" });
  await passwords.getByLabel("Current password").fill(password);
  await passwords.getByLabel("New password").fill("another horse");
  await pressWithoutAnswer(button(page, "Change password"), "mutation ReplacePassword");
  await untilEnded();
  await button(page, "Change password").click();
  await page
    .getByText("Your password may already have been changed: sign in with the new one")
    .waitFor();
  await page.getByText("Sign in to see this page").waitFor();
  await logIn(shop, { email }, "another horse");
  await context.close();
});

test.each([
  ["sends it again", (confirm: Locator) => confirm.click()],
  ["reloads the page", (confirm: Locator) => confirm.page().reload()],
])("a sign-out everywhere without an answer may have happened: the user %s", async (_name, go) => {
  const { page, context, email, untilEnded } = await openAccount();
  await button(page, "Sign out everywhere").click();
  const confirm = page.getByRole("dialog").getByRole("button", { name: "Sign out everywhere" });
  await pressWithoutAnswer(confirm, "mutation SignOutEverywhere");
  await untilEnded();
  await go(confirm);
  await page.getByText("You may already have been signed out everywhere").waitFor();
  // The next session ends in another way.
  await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  await signIn(page, email);
  await untilLoaded(page, "Account");
  expect(await page.getByText("You may already have been signed out everywhere").count()).toBe(0);
  await context.close();
});

test("when the page has read the sessions, the lost answer about one that has ended is no error", async () => {
  const { page, context, email } = await openAccount();
  await logIn(shop, { email });
  await readAgain(page);
  const end = page.getByRole("button", { name: /^End the session of/ });
  await pressWithoutAnswer(end, "mutation EndSession");
  await readAgain(page);
  await end.waitFor({ state: "detached" });
  expect(await page.getByRole("alert").count()).toBe(0);
  await context.close();
});

test("when the page has read the new email, the lost answer about it is no error", async () => {
  const { page, context, email } = await openAccount();
  const emails = page.getByRole("region", { name: "Email" });
  await emails.getByLabel("Email").fill(`new-${email}`);
  await emails.getByLabel("Current password").fill(password);
  await pressWithoutAnswer(button(page, "Change email"), "mutation ChangeProfile");
  await readAgain(page);
  await eventually(
    "the empty form",
    async () => (await emails.getByLabel("Current password").inputValue()) === "",
  );
  expect(await emails.getByLabel("Email").inputValue()).toBe(`new-${email}`);
  expect(await page.getByRole("alert").count()).toBe(0);
  await context.close();
});
