import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { eventually } from "../../tools/support/eventually.ts";
import { launchBrowser } from "../support/console/console-browser.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

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

test.each([
  ["/console", "Catalogue"],
  ["/", "Shop"],
])("%s shows its frame before the first of its files arrives", async (path, title) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("console", (message) => problems.push(message.text()));
  await context.addInitScript(`
    globalThis.layoutShift = 0;
    new PerformanceObserver((list) => {
      for (const { value } of list.getEntries()) layoutShift += value;
    }).observe({ type: "layout-shift", buffered: true });
  `);
  const files = Promise.withResolvers<undefined>();
  await context.route("**/assets/**", async (route) => {
    await files.promise;
    await route.continue();
  });
  await page.goto(`${shop.url}${path}`, { waitUntil: "commit" });
  await eventually("the first frame", () =>
    page.evaluate<boolean>('performance.getEntriesByName("first-contentful-paint").length > 0'),
  );
  const text = page.getByText("Loading…");
  await text.waitFor();
  files.resolve(undefined);
  await page.getByRole("heading", { name: title, level: 1 }).waitFor();
  await text.waitFor({ state: "detached" });
  expect(await page.evaluate<number>("layoutShift")).toBeLessThan(0.01);
  expect(problems).toEqual([]);
  await context.close();
});
