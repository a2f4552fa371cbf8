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
const password = "demo-password";

interface Picture {
  file: string;
  email: string;
  path: string;
  colorScheme: "light" | "dark";
  height: number;
  /** Waits for what the page shows when it is complete. */
  prepare: (page: Page) => Promise<void>;
}

/** Puts two products into the basket, whose number is in the header. */
async function fillBasket(page: Page): Promise<void> {
  const adds = page.getByRole("button", { name: /^Add / });
  for (const index of [0, 7]) await adds.nth(index).click();
  const close = page.getByRole("button", { name: "Close" });
  await close.click();
  await close.waitFor({ state: "detached" });
}

const catalogue = {
  email: "ann.lee@example.com",
  path: "/",
  height: 800,
  prepare: fillBasket,
} as const;

const pictures: readonly Picture[] = [
  { ...catalogue, file: "console-catalogue-light.png", colorScheme: "light" },
  { ...catalogue, file: "console-catalogue-dark.png", colorScheme: "dark" },
  {
    file: "console-admin.png",
    email: "admin@example.com",
    path: "/admin",
    colorScheme: "light",
    height: 900,
    prepare: (page) => page.locator("canvas").nth(1).waitFor(),
  },
];

const executablePath = find(chromiumProgram) ?? "";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  for (const { file, email, path, colorScheme, height, prepare } of pictures) {
    const viewport = { width: 1280, height };
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.goto(`${url}/sign-in?next=${path}`);
    const main = page.getByRole("main");
    await main.getByLabel("Email").fill(email);
    await main.getByLabel("Password").fill(password);
    await main.getByRole("button", { name: "Sign in" }).click();
    await prepare(page);
    // No ring of the keyboard's focus, no look of a button under the pointer.
    await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)");
    await page.mouse.move(0, 0);
    writeFileSync(join(folder, file), await page.screenshot());
    await context.close();
  }
} finally {
  await browser.close();
}
