import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { chromium as chromiumProgram, find } from "../support/prerequisites.ts";

/**
 * Takes docs/images/console-*.png of a running shop with demo data:
 *
 *     npm start
 *     npm run demo
 *     node tools/screenshots/console.ts http://localhost:8080
 */

const url = `${process.argv[2] ?? "http://localhost:8080"}/console`;
const folder = process.argv[3] ?? join(import.meta.dirname, "..", "..", "docs", "images");
const account = { email: "ann.lee@example.com", password: "demo-password" };

/** The pages, each with what it shows when it is complete. */
const pages: Record<string, { path: string; isComplete: (page: Page) => Promise<unknown> }> = {
  catalogue: { path: "/", isComplete: (page) => page.getByRole("listitem").nth(9).waitFor() },
  basket: { path: "/basket", isComplete: (page) => page.getByText("Total").waitFor() },
  orders: { path: "/orders", isComplete: (page) => page.getByRole("table").waitFor() },
  account: { path: "/account", isComplete: (page) => page.getByText("This session").waitFor() },
};
const looks = [
  { name: "light", colorScheme: "light", viewport: { width: 1280, height: 800 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1280, height: 800 } },
  { name: "phone", colorScheme: "light", viewport: { width: 360, height: 740 } },
] as const;

const executablePath = find(chromiumProgram) ?? "";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  for (const { name, ...look } of looks) {
    const context = await browser.newContext({ ...look, reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.goto(`${url}/sign-in`);
    const main = page.getByRole("main");
    await main.getByLabel("Email").fill(account.email);
    await main.getByLabel("Password").fill(account.password);
    await main.getByRole("button", { name: "Sign in" }).click();
    const adds = page.getByRole("button", { name: /^Add / });
    for (const index of [0, 7]) await adds.nth(index).click();
    for (const [file, { path, isComplete }] of Object.entries(pages)) {
      await page.goto(url + path);
      await isComplete(page);
      writeFileSync(join(folder, `console-${file}-${name}.png`), await page.screenshot());
    }
    await context.close();
  }
} finally {
  await browser.close();
}
