import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { accessibilityFaults } from "../support/console/accessibility-faults.ts";
import {
  launchBrowser,
  openConsole,
  openTab,
  signIn,
  type ConsolePage,
} from "../support/console/console-browser.ts";
import { putOnSale } from "../support/ordering.ts";
import { logIn, newAccount } from "../support/sessions.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let browser: Browser;
let admin: ConsolePage;
let email: string;
let mug: string;

beforeAll(async () => {
  shop = await startTestShop();
  browser = await launchBrowser();
  ({ email } = await newAccount(shop, 1));
  mug = await putOnSale(shop, 5, 500, "Mug");
  admin = await openConsole(browser, shop.url, "/sign-in?next=/admin/products");
  await signIn(admin.page, email);
  await heading("Products");
});
afterAll(async () => {
  await browser.close();
  await shop.stop();
});
beforeEach(() => {
  admin.problems.length = 0;
});

const heading = (name: string) =>
  admin.page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const question = () => admin.page.getByRole("dialog", { name: "Discard your changes?" });
const answer = (name: string) => question().getByRole("button", { name }).click();
const link = (name: string) =>
  admin.page
    .getByRole("navigation", { name: "Administration" })
    .getByRole("link", { name, exact: true });
const nameField = () => admin.page.getByLabel("Name", { exact: true });

/** Opens the mug from the list of products, so that there is a page to go back to, and edits it. */
async function editMug(name: string): Promise<void> {
  await link("Products").click();
  await admin.page.getByRole("link", { name: "Mug" }).first().click();
  await heading("Mug");
  await nameField().fill(name);
}

test("a form with edits is left only after a question, by links and in the history", async () => {
  const { page } = admin;
  await editMug("Cup");
  await link("Orders").click();
  await question().waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await answer("Keep editing");
  await question().waitFor({ state: "detached" });
  expect(await nameField().inputValue()).toBe("Cup");

  await page.goBack();
  await question().waitFor();
  await page.keyboard.press("Escape");
  await question().waitFor({ state: "detached" });
  expect(page.url()).toContain(mug);
  expect(await nameField().inputValue()).toBe("Cup");

  await page.goBack();
  await answer("Discard changes");
  await heading("Products");
  expect(page.url()).toMatch(/\/admin\/products$/);
  await page.goForward();
  await heading("Mug");
  expect(await nameField().inputValue()).toBe("Mug");
  // Nothing is edited any more.
  await nameField().fill("Cup");
  await nameField().fill("Mug");
  await link("Orders").click();
  await heading("Orders");
  expect(admin.problems).toEqual([]);
});

test("a tab with edits is closed only after a question", async () => {
  const { page } = admin;
  await editMug("Cup");
  const asked = page.waitForEvent("dialog");
  await page.close({ runBeforeUnload: true });
  const dialog = await asked;
  expect(dialog.type()).toBe("beforeunload");
  await dialog.dismiss();
  expect(await nameField().inputValue()).toBe("Cup");
  await nameField().fill("Mug");
});

test("a saved form is left without a question", async () => {
  const { page } = admin;
  await page.getByRole("link", { name: "All products" }).click();
  await page.getByRole("link", { name: "New product" }).click();
  await nameField().fill("Jug");
  await page.getByLabel("Price").fill("4");
  await page.getByRole("button", { name: "Create product" }).click();
  await heading("Jug");
  await page.getByLabel("SKU").fill("JUG");
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByText("The product is saved.").waitFor();
  await link("Webhooks").click();
  await heading("Webhooks");
});

test("a dialog with edits and an import are left only after a question", async () => {
  const { page } = admin;
  await link("Webhooks").click();
  await page.getByRole("button", { name: "New webhook" }).click();
  const form = page.getByRole("dialog", { name: "New webhook" });
  await form.getByText("order.placed", { exact: true }).click();
  await page.keyboard.press("Escape");
  await question().waitFor();
  await answer("Keep editing");
  await question().waitFor({ state: "detached" });
  expect(await form.getByRole("checkbox", { name: "order.placed" }).isChecked()).toBe(true);
  await page.keyboard.press("Escape");
  await answer("Discard changes");
  await form.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "New webhook" }).click();
  expect(await form.getByRole("checkbox", { name: "order.placed" }).isChecked()).toBe(false);
  await page.keyboard.press("Escape");

  await page.goto(`${shop.url}/console/admin/products/import`);
  await heading("Import products");
  const buffer = Buffer.from("sku,name,price\r\nA,Bowl,100\r\n");
  await page.setInputFiles("input[type=file]", { name: "a.csv", mimeType: "text/csv", buffer });
  await page.getByRole("button", { name: "Import 1 row" }).waitFor();
  await link("Orders").click();
  await answer("Keep editing");
  await page.getByRole("button", { name: "Import 1 row" }).click();
  await page.getByText("The import is complete.").waitFor();
  await link("Orders").click();
  await heading("Orders");
  expect(admin.problems).toEqual([]);
});

/** Lets requests with a document wait until `release` is called. `sent` resolves with the first one. */
async function holdRequests(
  document: string,
): Promise<{ sent: Promise<undefined>; release: () => void }> {
  const held = Promise.withResolvers<undefined>();
  const sent = Promise.withResolvers<undefined>();
  await admin.page.route("**/graphql", async (route, request) => {
    if ((request.postData() ?? "").includes(document)) {
      sent.resolve(undefined);
      await held.promise;
    }
    await route.continue();
  });
  return {
    sent: sent.promise,
    release() {
      held.resolve(undefined);
    },
  };
}

test("a form takes no entries while it is being sent, because the saved values replace them", async () => {
  const { page } = admin;
  await editMug("Cup");
  const request = await holdRequests("mutation ChangeProduct");
  await page.getByRole("button", { name: "Save changes" }).click();
  await request.sent;
  await page.getByLabel("SKU").focus();
  await page.keyboard.type("CUP-1");
  const typed = await page.getByLabel("SKU").inputValue();
  request.release();
  await heading("Cup");
  expect(await page.getByLabel("SKU").inputValue()).toBe(typed);
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByLabel("SKU").fill("CUP-1");
  await nameField().fill("Mug");
  await page.getByRole("button", { name: "Save changes" }).click();
  await heading("Mug");
  await page.unrouteAll();
  expect(admin.problems).toEqual([]);
});

test("what follows a slow mutation does not take the user away from another page", async () => {
  const { page } = admin;
  await link("Products").click();
  await page.getByRole("link", { name: "New product" }).click();
  await nameField().fill("Late Jug");
  await page.getByLabel("Price").fill("4");
  const request = await holdRequests("mutation AddProduct");
  await page.getByRole("button", { name: "Create product" }).click();
  await request.sent;
  await link("Products").click();
  await answer("Discard changes");
  await editMug("Cup");
  request.release();
  await page.getByText("Late Jug").first().waitFor();
  await page.unrouteAll();
  expect(page.url()).toContain(mug);
  expect(await nameField().inputValue()).toBe("Cup");
  await nameField().fill("Mug");
  expect(admin.problems).toEqual([]);
});

test("edits stay when the user signs out in another tab, and the page says so", async () => {
  const { page, context, problems } = admin;
  await editMug("Cup");
  const other = await openTab(context, shop.url, "/", problems);
  await other.getByRole("button", { name: "Account menu" }).click();
  await other.getByRole("menuitem", { name: "Sign out" }).click();
  await other.getByRole("link", { name: "Sign in" }).waitFor();
  const again = page.getByRole("dialog", { name: "You are signed out" });
  await again.getByText("You have signed out in another tab.").waitFor();
  expect(await page.getByText("Your session has ended").count()).toBe(0);
  expect(await accessibilityFaults(page)).toEqual([]);
  await other.close();
  await signIn(page, email, again);
  await again.waitFor({ state: "detached" });
  expect(await nameField().inputValue()).toBe("Cup");
  await nameField().fill("Mug");
  expect(problems).toEqual([]);
});

test("edits stay when the session ends, until the same user signs in again", async () => {
  const { page } = admin;
  await editMug("Cup");
  const { token } = await logIn(shop, { email });
  await shop.graphql("mutation { logoutEverywhere { success } }", { token });
  const again = page.getByRole("dialog", { name: "Your session has ended" });
  // The gateway closes the connection of the session, so the page knows at once.
  await again.waitFor();
  expect(await nameField().inputValue()).toBe("Cup");
  expect(await accessibilityFaults(page)).toEqual([]);
  await signIn(page, email, again);
  await again.waitFor({ state: "detached" });
  expect(await nameField().inputValue()).toBe("Cup");
  await page.getByRole("button", { name: "Save changes" }).click();
  await heading("Cup");
  expect(await shop.call("products.get", { id: mug })).toMatchObject({ name: "Cup" });
});
