import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Locator,
  type Page,
} from "playwright-core";
import { generousMs } from "../../../tools/support/eventually.ts";
import { projectDir } from "../../../tools/support/processes.ts";
import { password } from "../shop.ts";

/** A page of the console, with all that must not happen in it. */
export interface ConsolePage {
  page: Page;
  context: BrowserContext;
  /**
   * Errors and warnings in the browser's console, which has the violations of the
   * Content-Security-Policy, too, and requests to other origins.
   */
  problems: string[];
}

/** Starts Chromium. Throws an Error if the console is not built. */
export async function launchBrowser(): Promise<Browser> {
  if (!existsSync(join(projectDir, "web", "dist", "console", "index.html"))) {
    throw new Error("The console is not built. Run: npm run build:web");
  }
  return await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? "",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    timeout: generousMs,
  });
}

/** Opens a path of the console in a browser of its own, without anything stored. */
export async function openConsole(
  browser: Browser,
  url: string,
  path = "",
  options: BrowserContextOptions = {},
): Promise<ConsolePage> {
  const viewport = { width: 1280, height: 800 };
  const context = await browser.newContext({ viewport, reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(generousMs);
  // On a busy machine, an answer may come later than the client waits for it: 15 s.
  await context.addInitScript(`
    const { timeout } = AbortSignal;
    AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms < 15_000 ? ms : ${generousMs});
  `);
  const problems: string[] = [];
  const page = await openTab(context, url, path, problems);
  return { page, context, problems };
}

/** Opens another tab, which shares what the first one has stored. */
export async function openTab(
  context: BrowserContext,
  url: string,
  path: string,
  problems: string[],
): Promise<Page> {
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => {
    const isOwn = request.url().startsWith(url) || request.url().startsWith("data:");
    if (!isOwn) problems.push(`request to ${request.url()}`);
  });
  await page.goto(`${url}/console${path}`);
  return page;
}

/** Signs in by the form of a page, or of a dialog. */
export async function signIn(
  page: Page,
  email: string,
  form: Locator = page.getByRole("main"),
): Promise<void> {
  await form.getByLabel("Email").fill(email);
  await form.getByLabel("Password").fill(password);
  await form.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Account menu" }).waitFor();
}

/** Waits for the title of a page that is loaded: it can have the focus. */
export async function untilLoaded(page: Page, title: string | RegExp): Promise<void> {
  const heading = page.getByRole("heading", { level: 1, name: title });
  await heading.and(page.locator("[tabindex]")).waitFor();
}

/**
 * Lets a page with a clock of its own read again what it shows, as after a while in another tab: it is
 * then older than its queries are kept.
 */
export async function readAgain(page: Page): Promise<void> {
  await makeOld(page);
  await page.evaluate("dispatchEvent(new Event('visibilitychange'))");
}

/** Sets the clock of a page, which the test has installed, forward by a minute. */
export async function makeOld(page: Page): Promise<void> {
  await page.clock.setSystemTime((await page.evaluate<number>("Date.now()")) + 60_000);
}
