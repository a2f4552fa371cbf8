import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { graphql } from "../support/graphql-client.ts";
import { chromium as chromiumProgram, find } from "../support/prerequisites.ts";

/**
 * Takes docs/images/playground-light.png and playground-dark.png of a running shop with demo data:
 *
 *     npm start
 *     npm run demo
 *     node tools/screenshots/playground.ts http://localhost:8080
 */

const url = process.argv[2] ?? "http://localhost:8080";
const folder = join(import.meta.dirname, "..", "..", "docs", "images");
const account = `{ email: "admin@example.com", password: "demo-password" }`;

const { data } = await graphql(url, `mutation { login(input: ${account}) { token } }`);
const token = String(data?.login?.token);
const executablePath = find(chromiumProgram) ?? "";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, colorScheme });
    await page.goto(url);
    await page.waitForSelector("#examples:not([disabled])");
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Examples" }).click();
    await page.getByRole("menuitem", { name: "Newest orders, with joins" }).click();
    await page.locator(".graphiql-query-editor").getByText("NewestOrders").waitFor();
    await page.getByRole("button", { name: "Execute query (Ctrl-Enter)" }).click();
    await page.locator(".graphiql-response").getByText("username").first().waitFor();
    // No token in a published image.
    await page.getByLabel("Token").fill("");
    writeFileSync(join(folder, `playground-${colorScheme}.png`), await page.screenshot());
    await page.close();
  }
} finally {
  await browser.close();
}
