import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { eventually } from "../../tools/support/eventually.ts";
import {
  launchBrowser,
  makeOld,
  openConsole,
  readAgain,
  signIn,
  untilLoaded,
} from "../support/console/console-browser.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { logIn, newAccount, type Account } from "../support/sessions.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let browser: Browser;
let admin: Account;

beforeAll(async () => {
  shop = await startTestShop();
  browser = await launchBrowser();
  admin = await newAccount(shop, 1);
});
afterAll(async () => {
  await browser.close();
  await shop.stop();
});

const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name });
const dialogButton = (page: Page, name: string) =>
  page.getByRole("dialog").getByRole("button", { name });

/** Opens a page whose clock the test can set, as the admin or another user. */
async function open(path: string, { email } = admin) {
  const opened = await openConsole(browser, shop.url, `/sign-in?next=${path}`);
  await opened.page.clock.install();
  await signIn(opened.page, email);
  return opened;
}

/** What a page has sent of a mutation: the idempotency key and the variables. */
interface Sent {
  key: string | undefined;
  variables: unknown;
}

/**
 * Executes a mutation, while the network loses all answers to the page, until `connect` is called. Notes
 * all its requests.
 */
async function loseAnswers(page: Page, document: string) {
  const sent: Sent[] = [];
  let isConnected = false;
  await page.route("**/*", async (route, request) => {
    const isMutation = (request.postData() ?? "").includes(document);
    if (isMutation) {
      const { variables } = request.postDataJSON() as { variables: unknown };
      sent.push({ key: request.headers()["idempotency-key"], variables });
    }
    if (isConnected) return route.continue();
    if (isMutation) await route.fetch();
    return route.abort();
  });
  const connect = () => {
    isConnected = true;
  };
  return { sent, connect };
}

test.each([
  ["Make admin", "mutation ChangeUserType", { type: 1 }, "Make customer"],
  ["Forbid operations", "mutation ChangeUserRights", { mayOperate: false }, "Allow operations"],
])(
  "an open dialog keeps its action when its own lost request has changed the user: %s",
  async (name, document, expected, opposite) => {
    const { id } = await newAccount(shop, name === "Make admin" ? 0 : 1);
    const { page, context } = await open(`/admin/users/${id}`);
    await button(page, name).click();
    const dialog = page.getByRole("dialog");
    const text = await dialog.innerText();
    const { sent, connect } = await loseAnswers(page, document);
    await dialogButton(page, name).click();
    await dialog.getByText("Your request may have taken effect.").waitFor();
    connect();
    await readAgain(page);
    // Behind the dialog, the page shows what is saved.
    await page.locator("main").getByText(opposite, { exact: true }).waitFor();
    const [title = "", explanation = ""] = text.split(/\n+/);
    expect(await dialog.innerText()).toContain(explanation);
    expect(await dialog.getByRole("heading").innerText()).toBe(title);
    await dialogButton(page, name).click();
    await dialog.waitFor({ state: "detached" });
    expect(sent.length).toBeGreaterThan(1);
    expect(new Set(sent.map((request) => JSON.stringify(request))).size).toBe(1);
    expect(await shop.call("users.get", { id })).toMatchObject(expected);
    await context.close();
  },
);

test("a dialog of a user stays when another admin has done otherwise, and says why it fails", async () => {
  const { id } = await newAccount(shop, 1);
  await shop.call("users.setRights", { id, mayOperate: false });
  const { page, context } = await open(`/admin/users/${id}`);
  await button(page, "Allow operations").click();
  await shop.call("users.setType", { id, type: 0 });
  await readAgain(page);
  await page.locator("main dd").getByText("Customer", { exact: true }).waitFor();
  await dialogButton(page, "Allow operations").click();
  await page.getByRole("dialog").getByRole("alert").waitFor();
  await dialogButton(page, "Go back").click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(await button(page, "Allow operations").count()).toBe(0);
  await context.close();
});

test("a reset token stays on the page when another admin changes the role of its user", async () => {
  const { id } = await newAccount(shop);
  const { page, context } = await open(`/admin/users/${id}`);
  await button(page, "Create reset token").click();
  await dialogButton(page, "Create reset token").click();
  const token = await page.getByRole("dialog").locator("code").innerText();
  await shop.call("users.setType", { id, type: 1 });
  await readAgain(page);
  await page
    .locator("main dd")
    .getByText(/^Admin/)
    .waitFor();
  expect(await page.getByRole("dialog").locator("code").innerText()).toBe(token);
  await context.close();
});

test("the dialog that turns a webhook off stays when another admin has turned it off", async () => {
  const webhook = { url: "https://webhooks.invalid/", events: ["order.placed"] };
  // The first one needs the event logs of all services.
  const created = await eventually("the webhook", () =>
    shop.call<{ webhook: { id: string } }>("webhooks.create", webhook),
  );
  const { id } = created.webhook;
  const { page, context } = await open(`/admin/webhooks/${id}`);
  await button(page, "Turn off").click();
  await shop.call("webhooks.update", { id, enabled: false });
  await readAgain(page);
  await page.locator("main button").filter({ hasText: "Turn on" }).waitFor();
  await dialogButton(page, "Turn off").click();
  await page.getByText("The webhook is saved.").waitFor();
  expect(await shop.call("webhooks.get", { id })).toMatchObject({ enabled: false });
  await context.close();
});

test("the dialog that cancels an order stays when the order is shipped, and says why it fails", async () => {
  const customer = await newAccount(shop);
  const { token } = await logIn(shop, customer);
  const { order } = await placeOrder(shop, token, [await putOnSale(shop, 5, 500, "Lamp"), 1]);
  const { page, context } = await open(`/orders/${order?.id ?? ""}`, customer);
  await button(page, "Cancel order").click();
  await shop.call("orders.ship", { id: order?.id });
  await readAgain(page);
  await page.locator("main").getByText("Shipped").first().waitFor();
  await dialogButton(page, "Cancel order").click();
  await page
    .getByRole("dialog")
    .getByRole("alert")
    .getByText(/shipped/)
    .waitFor();
  await dialogButton(page, "Go back").click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(await button(page, "Cancel order").count()).toBe(0);
  await context.close();
});

test("the dialog that redrives all dead letters stays when there are none left", async () => {
  const event = {
    id: randomUUID(),
    type: "user.registered",
    version: 1,
    producer: "users",
    position: 1_000,
    occurredAt: new Date().toISOString(),
    data: { user_id: randomUUID(), username: "Ann", type: 0 },
  };
  await shop.databases.query(
    "products",
    `INSERT INTO dead_letters (id, producer, position, event, reason)
     VALUES ($1, 'users', 1000, $2, 'it was dropped')`,
    [event.id, JSON.stringify(event)],
  );
  const { page, context } = await open("/operations/events/products");
  await untilLoaded(page, "Dead letters of products");
  await button(page, "Send all again").click();
  await shop.databases.query("products", "DELETE FROM dead_letters");
  // The list is read again after an outage.
  await makeOld(page);
  await context.setOffline(true);
  await page.getByText("You are offline.").waitFor();
  await context.setOffline(false);
  await page.locator("main").getByText("There are no dead letters").waitFor();
  await dialogButton(page, "Send all again").click();
  await page.getByText("Applied: 0. Failed again: 0.").waitFor();
  await eventually(
    "the end of the dialog",
    async () => (await page.getByRole("dialog").count()) === 0,
  );
  await context.close();
});

test.each([
  ["/admin/webhooks", "New webhook", "URL"],
  ["/admin/orders", /^Ship order/, "Tracking text"],
  ["/admin/users/:user", "Erase personal data", /^Type .* to confirm$/],
])(
  "at %s, the first field of the dialog has the focus when it opens",
  async (path, name, field) => {
    const { token, id } = await shop.signIn(`focus-${path.split("/")[2] ?? ""}`);
    await placeOrder(shop, token, [await putOnSale(shop, 5, 500, "Fan"), 1]);
    const { page, context } = await open(path.replace(":user", id));
    await button(page, name).first().click();
    const first = page.getByRole("dialog").getByLabel(field);
    await first.and(page.locator(":focus")).waitFor();
    await page.keyboard.press("Escape");
    // A question keeps the focus away from what it asks about.
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await button(page, name).first().and(page.locator(":focus")).waitFor();
    await context.close();
  },
);

/** Names the fields of a dialog of which a part is below its main button, wherever it is scrolled to. */
const findFieldsBelow = `(() => {
  const dialog = document.querySelector("[role=dialog]");
  const modal = dialog.parentElement;
  const submit = dialog.querySelector("[type=submit]");
  const found = new Set();
  for (let top = 0; top <= modal.scrollHeight; top += 5) {
    modal.scrollTo(0, top);
    const { bottom, left, right } = submit.getBoundingClientRect();
    for (let y = bottom + 2; y < modal.getBoundingClientRect().bottom; y += 2) {
      for (let x = left; x < right; x += 10) {
        const field = document.elementFromPoint(x, y)?.closest("label, input, legend, [class*=field]");
        if (field) found.add(field.textContent);
      }
    }
  }
  return [...found];
})()`;

test("no field shows below the main button of a long dialog, and none with the focus is behind it", async () => {
  const { page, context } = await open("/admin/webhooks");
  await page.setViewportSize({ width: 640, height: 430 });
  await button(page, "New webhook").first().click();
  await page.getByRole("dialog").waitFor();
  expect(await page.evaluate(findFieldsBelow)).toEqual([]);
  await page.evaluate("document.querySelector('[role=dialog]').parentElement.scrollTo(0, 0)");
  const fields = page.getByRole("dialog").locator("input");
  await fields.first().focus();
  const covered: number[] = [];
  for (let index = 0; index < (await fields.count()); index++) {
    const isShown = await page.evaluate<boolean>(`(() => {
      const field = document.activeElement.closest("label") ?? document.activeElement;
      const { x, y, width, height } = field.getBoundingClientRect();
      return field.contains(document.elementFromPoint(x + width / 2, y + height / 2));
    })()`);
    if (!isShown) covered.push(index);
    await page.keyboard.press("Tab");
  }
  expect(covered).toEqual([]);
  await context.close();
});
