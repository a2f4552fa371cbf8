import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { chromium, type Browser, type Page } from "playwright-core";
import { eventually, generousMs } from "../../tools/support/eventually.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { subscriptionsTo } from "../support/http/subscriptions.ts";

let shop: TestShop;
let browser: Browser;
let page: Page;
/** Console errors of the page, and its requests to other hosts. */
let problems: string[];

beforeAll(async () => {
  shop = await startTestShop();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? "",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    timeout: generousMs,
  });
});
afterAll(async () => {
  await browser.close();
  await shop.stop();
});
beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(generousMs);
  problems = [];
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(shop.url)) problems.push(`request to ${request.url()}`);
  });
  await page.goto(`${shop.url}/`);
  await page.waitForSelector("#examples:not([disabled])");
});

const executeButton = { name: "Execute query (Ctrl-Enter)" };

function editorText(selector: string): Promise<string> {
  return page
    .locator(`${selector} .CodeMirror`)
    .first()
    .evaluate((element) =>
      (element as unknown as { CodeMirror: { getValue(): string } }).CodeMirror.getValue(),
    );
}

/** Opens an example, fills in its placeholders and executes it. Gives the data of the response. */
async function execute(
  example: string,
  firstWords: string,
  values: Record<string, string>,
): Promise<Record<string, Record<string, unknown>>> {
  await page.selectOption("#examples", example);
  const document = await eventually("the example's text", async () => {
    const text = await editorText(".graphiql-query-editor");
    return text.includes(firstWords) ? text : undefined;
  });
  const filled = Object.entries(values).reduce(
    (text, [placeholder, value]) => text.replaceAll(`"${placeholder}"`, `"${value}"`),
    document,
  );
  await page
    .locator(".graphiql-query-editor .CodeMirror")
    .first()
    .evaluate((element, text) => {
      (element as unknown as { CodeMirror: { setValue(t: string): void } }).CodeMirror.setValue(
        text,
      );
    }, filled);
  await page.getByRole("button", executeButton).click();
  const result = await eventually("a response", async () => {
    const text = await editorText(".graphiql-response");
    return text === "" ? undefined : text;
  });
  const { data, errors } = JSON.parse(result) as {
    data: Record<string, Record<string, unknown>>;
    errors?: unknown;
  };
  expect(errors).toBeUndefined();
  return data;
}

test("the examples work in order, and requests after the login use its token", async () => {
  const account = { EMAIL: "admin@example.com", USERNAME: "admin", PASSWORD: "correct horse" };
  await shop.call("users.register", {
    email: account.EMAIL,
    username: account.USERNAME,
    password: account.PASSWORD,
    type: 1,
  });
  await execute("registerUser", "registerUser(", { ...account, EMAIL: "customer@example.com" });
  await execute("login", "login(", account);
  await eventually("the token in its field", async () => {
    const token = await page.getByLabel("Token").inputValue();
    return token.split(".").length === 3;
  });
  const { createProduct } = await execute("createProduct", "createProduct(", {});
  const product = String(createProduct?.id);
  await execute("updateInventory", "updateInventory(", { ID: product });
  const { placeOrder } = await execute("placeOrder", "placeOrder(", { PRODUCTID: product });
  expect(placeOrder).toMatchObject({ quantity: 1, price_total: 1 });
  const lists = await execute("users, products, orders", "price_total", {});
  expect(lists.users).toHaveLength(2);
  expect(lists.orders).toHaveLength(1);
  expect(problems).toEqual([]);
});

test("a subscription shows events until it is stopped", async () => {
  await page.selectOption("#examples", "inventoryUpdated");
  await eventually("the example's text", async () =>
    (await editorText(".graphiql-query-editor")).includes("inventoryUpdated"),
  );
  await page.getByRole("button", executeButton).click();
  await eventually("the subscription", () => subscriptionsTo(shop, "inventory.updated") === 1);
  const input = { name: "Lamp", description: "", price: 1, stock: 1 };
  const { id } = await shop.call<{ id: string }>("products.create", input);
  await shop.call("products.updateInventory", { id, type: 1, number: 41 });
  await eventually("the event in the response", async () => {
    const text = await editorText(".graphiql-response");
    return text.includes('"number": 41') && text.includes('"stock": 42');
  });
  await page.getByRole("button", { name: "Stop query (Ctrl-Enter)" }).click();
  await eventually(
    "the end of the subscription",
    () => subscriptionsTo(shop, "inventory.updated") === 0,
  );
  expect(problems).toEqual([]);
});

test("the page sends requests only to its own host and violates no content security policy", async () => {
  const response = await page.goto(`${shop.url}/`);
  expect(response?.headers()["content-security-policy"]).toContain("default-src 'none'");
  await page.waitForSelector("#examples:not([disabled])");
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  await page.getByText("ErrorCode").first().waitFor();
  expect(problems).toEqual([]);
});
