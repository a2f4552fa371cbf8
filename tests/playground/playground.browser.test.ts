import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { eventually, generousMs } from "../../tools/support/eventually.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { subscriptionsTo } from "../support/http/subscriptions.ts";

let shop: TestShop;
let browser: Browser;
/** One for all tests, so that its cache has the files of the page. */
let context: BrowserContext;
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
  context = await browser.newContext();
});
afterAll(async () => {
  await browser.close();
  await shop.stop();
});
beforeEach(async () => {
  page = await context.newPage();
  await page.setViewportSize({ width: 1280, height: 800 });
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
afterEach(() => page.close());

const executeButton = { name: "Execute query (Ctrl-Enter)" };

/** Returns the text of an editor. GraphiQL shares Monaco under this name for tests. */
function editorText(selector: string): Promise<string> {
  return page.evaluate<string>(
    `__MONACO.editor.getEditors()
      .find((editor) => editor.getContainerDomNode().closest("${selector}") !== null)
      .getValue()`,
  );
}

/** Opens an example from the menu. */
async function openExample(name: string, firstWords: string): Promise<void> {
  await page.getByRole("button", { name: "Examples" }).click();
  await page.getByRole("menuitem", { name }).click();
  await eventually("the example's text", async () =>
    (await editorText(".graphiql-query-editor")).includes(firstWords),
  );
}

/** Executes the open document. Returns the response. */
async function execute(): Promise<Record<string, unknown>> {
  await page.getByRole("button", executeButton).click();
  const result = await eventually("a response", async () => {
    const text = await editorText(".graphiql-response");
    return text === "" ? undefined : text;
  });
  return JSON.parse(result) as Record<string, unknown>;
}

/** Opens an example and executes it unchanged. Returns the data of the response. */
async function executeExample(
  name: string,
  firstWords: string,
): Promise<Record<string, Record<string, unknown>>> {
  await openExample(name, firstWords);
  const { data, errors } = await execute();
  expect(errors).toBeUndefined();
  return data as Record<string, Record<string, unknown>>;
}

test("the walk-through works in order, with the token and the ids of its own answers", async () => {
  const { registerUser } = await executeExample("1. Register the first admin", "registerUser(");
  expect(registerUser).toMatchObject({ type: 1 });
  await executeExample("2. Log in", "login(");
  await eventually("the token in its field", async () => {
    const token = await page.getByLabel("Token").inputValue();
    return token.split(".").length === 3;
  });
  const { createProduct } = await executeExample("3. Create a product", "createProduct(");
  await executeExample("4. Change the stock", `"${String(createProduct?.id)}"`);
  const { placeOrder } = await executeExample("5. Place an order", "placeOrder(");
  expect(placeOrder).toMatchObject({ quantity: 2, price_total: 1_980 });
  const lists = await executeExample("6. Read everything", "query Everything");
  expect(lists.users).toHaveLength(1);
  expect(lists.orders).toMatchObject([{ order_products: [{ product: { stock: 28 } }] }]);
  const { cancelOrder } = await executeExample("7. Cancel the order", "cancelOrder(");
  expect(cancelOrder).toMatchObject({ id: placeOrder?.id, status: "CANCELLED" });
  for (const name of ["Search products", "Newest orders", "One product and one order"]) {
    await executeExample(name, "query ");
  }
  const tabs = await page.locator(".graphiql-tab-button").allTextContents();
  expect(tabs.join()).toContain("PlaceOrder");
  expect(tabs.join()).not.toContain("untitled");
  expect(problems).toEqual([]);
});

test("a subscription shows events until it is stopped", async () => {
  await openExample("Subscribe to changes of the stock", "inventoryUpdated");
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

test("a subscription with a wrong token shows the reason", async () => {
  await page.getByLabel("Token").fill("wrong");
  await openExample("Subscribe to changes of the stock", "inventoryUpdated");
  const { errors } = await execute();
  expect(errors).toMatchObject([{ message: "The token was not issued by this shop." }]);
});

const isInEditor = () =>
  page.evaluate<boolean>(
    "document.activeElement.closest('.graphiql-query-editor .graphiql-editor') !== null",
  );
const isMenuOpen = () => page.locator("#menu").isVisible();
const focusedText = () => page.evaluate<string>("document.activeElement.textContent");
const countTabs = () => page.locator(".graphiql-tab-button").count();

test("the keyboard opens the menu, moves in it, opens an example and leaves the editor", async () => {
  await page.getByRole("button", { name: "Examples" }).focus();
  await page.keyboard.press("ArrowDown");
  expect(await isMenuOpen()).toBe(false);
  await page.keyboard.press("Enter");
  await eventually("the first item", async () => (await focusedText()).startsWith("1. "));
  await page.keyboard.press("ArrowDown");
  expect(await focusedText()).toBe("2. Log in");
  await page.keyboard.press("End");
  expect(await focusedText()).toBe("Refresh the token");
  await page.keyboard.press("Escape");
  expect(await isMenuOpen()).toBe(false);
  expect(await focusedText()).toMatch("Examples");
  expect(await countTabs()).toBe(1);

  await page.keyboard.press("Enter");
  await eventually("the first item", async () => (await focusedText()).startsWith("1. "));
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await eventually("the example's tab", async () => (await countTabs()) === 2);
  expect(await isMenuOpen()).toBe(false);
  await eventually("the focus in the editor", isInEditor);
  const text = await editorText(".graphiql-query-editor");
  await page.keyboard.press("Tab");
  expect(await isInEditor()).toBe(false);
  await page.keyboard.press("Shift+Tab");
  expect(await isInEditor()).toBe(true);
  await page.keyboard.press("Shift+Tab");
  expect(await isInEditor()).toBe(false);
  expect(await editorText(".graphiql-query-editor")).toBe(text);
  expect(problems).toEqual([]);
});

test("a screen of 360 px has room for editor and response", async () => {
  const width = 360;
  await page.setViewportSize({ width, height: 740 });
  await openExample("Register a customer", "registerUser(");
  await execute();
  const overflow = () => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
  expect(await overflow()).toBe(0);
  const boxOf = async (selector: string) => {
    const box = await page.locator(selector).first().boundingBox();
    if (box === null) throw new Error(`${selector} is not visible`);
    return box;
  };
  const [editor, response] = [await boxOf(".graphiql-query-editor"), await boxOf(".result-window")];
  for (const { width: paneWidth, height } of [editor, response]) {
    expect(paneWidth).toBeGreaterThan(width * 0.85);
    expect(height).toBeGreaterThan(150);
  }
  expect(response.y).toBeGreaterThan(editor.y + editor.height);
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  await page.getByText("ErrorCode").first().waitFor();
  expect(await overflow()).toBe(0);
  expect((await boxOf(".graphiql-plugin")).width).toBeGreaterThan(width * 0.8);
});

test("the page follows the colour scheme of the system", async () => {
  const colours = () =>
    page.evaluate<string[]>(
      `[
        ...["body", "#token", ".graphiql-editors"].map(
          (selector) => getComputedStyle(document.querySelector(selector)).backgroundColor,
        ),
        // Monaco has themes of its own.
        getComputedStyle(document.querySelector(".view-line .mtk1")).color,
      ]`,
    );
  await page.emulateMedia({ colorScheme: "light" });
  const light = await colours();
  await page.emulateMedia({ colorScheme: "dark" });
  await eventually("other colours", async () => {
    const dark = await colours();
    return light.every((colour, index) => colour !== dark[index]);
  });
});

test("the editors complete and check what is typed, within the content security policy", async () => {
  await openExample("Search products", "query ");
  await page.locator(".graphiql-query-editor").getByText("totalCount").click();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Control+Space");
  await page.locator(".suggest-widget").getByText("edges").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.type("nothing");
  await page.locator(".graphiql-query-editor .squiggly-error").first().waitFor();
  await page.getByRole("button", { name: "Variables" }).click();
  await page.locator(".graphiql-editor-tool .view-lines:visible").click();
  await page.keyboard.type("{ ]");
  await page.locator(".graphiql-editor-tool .squiggly-error").first().waitFor();
  await page.getByRole("button", { name: "Open settings dialog" }).click();
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  await page.getByText("ErrorCode").first().waitFor();
  expect(problems).toEqual([]);
});
