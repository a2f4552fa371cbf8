import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { eventually } from "../../tools/support/eventually.ts";
import { launchBrowser, openConsole, signIn } from "../support/console/console-browser.ts";
import { newAccount } from "../support/sessions.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let browser: Browser;
let page: Page;

/** Records the texts that are drawn on each canvas since it was cleared. */
const recordTexts = `
  const context = CanvasRenderingContext2D.prototype;
  const { clearRect, fillText } = context;
  context.clearRect = function (...area) {
    this.canvas.texts = [];
    return clearRect.apply(this, area);
  };
  context.fillText = function (text, x, y, ...more) {
    const box = this.measureText(text);
    const { a, d, e, f } = this.getTransform();
    (this.canvas.texts ??= []).push({
      text,
      left: a * x + e - box.actualBoundingBoxLeft,
      right: a * x + e + box.actualBoundingBoxRight,
      top: d * y + f - box.actualBoundingBoxAscent,
      bottom: d * y + f + box.actualBoundingBoxDescent,
    });
    return fillText.call(this, text, x, y, ...more);
  };
`;

/** Returns what is cut at an edge of a chart or overlaps, and all texts. */
const judgeTexts = `(() => {
  const faults = [];
  const texts = [];
  for (const canvas of document.querySelectorAll(".uplot canvas")) {
    const drawn = canvas.texts ?? [];
    texts.push(...drawn.map(({ text }) => text));
    for (const [index, one] of drawn.entries()) {
      const isCut = one.left < 0 || one.right > canvas.width || one.top < 0 || one.bottom > canvas.height;
      if (isCut) faults.push("'" + one.text + "' is cut: " + one.left + " to " + one.right + " of " + canvas.width);
      for (const other of drawn.slice(index + 1)) {
        const overlaps = one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
        if (overlaps) faults.push("'" + one.text + "' overlaps '" + other.text + "'");
      }
    }
  }
  return { faults, texts };
})()`;

beforeAll(async () => {
  shop = await startTestShop();
  browser = await launchBrowser();
  const { email } = await newAccount(shop, 1);
  const opened = await openConsole(browser, shop.url, "/sign-in?next=/admin");
  ({ page } = opened);
  await opened.context.addInitScript(recordTexts);
  await signIn(page, email);
  await page.route("**/graphql", async (route) => {
    const query = route.request().postData() ?? "";
    if (query.includes("query Sales")) {
      await route.fulfill({ json: { data: { salesByDay: salesOf(scale) } } });
    } else if (query.includes("query ClusterHistory")) {
      await route.fulfill({ json: { data: { clusterHistory: historyOf(scale) } } });
    } else await route.continue();
  });
});
afterAll(async () => {
  await browser.close();
  await shop.stop();
});

/** The highest values of the charts. */
interface Scale {
  orders: number;
  revenue: number;
  perSecond: number;
  ms: number;
}

const small: Scale = { orders: 3, revenue: 299, perSecond: 0.04, ms: 0.7 };
const large: Scale = {
  orders: 1_000_000,
  revenue: 2_147_483_647,
  perSecond: 1_234_567,
  ms: 12_345,
};
let scale = small;

const dayMs = 86_400_000;

function salesOf({ orders, revenue }: Scale): object[] {
  return Array.from({ length: 30 }, (_, index) => {
    const at = Date.UTC(2026, 10, 29) - (29 - index) * dayMs;
    const share = (index + 1) / 30;
    return {
      day: new Date(at).toISOString().slice(0, 10),
      orders: Math.round(orders * share),
      cancelled: 0,
      revenue: Math.round(revenue * share),
    };
  });
}

function historyOf({ perSecond, ms }: Scale): object {
  const percentiles = { p50Ms: ms / 4, p95Ms: ms / 2, p99Ms: ms };
  const steps = Array.from({ length: 360 }, (_, index) => ({
    at: new Date(Date.UTC(2026, 10, 29, 11, 55) + index * 10_000).toISOString(),
    ordersPerSecond: perSecond,
    requests: { perSecond, errorsPerSecond: perSecond, ...percentiles },
    events: percentiles,
  }));
  return { stepSeconds: 10, steps };
}

const widths = [320, 360, 768, 1024, 1440, 1920];

test.each([
  ["/admin", "small", small, ["0", "€2", "Nov 29"]],
  ["/admin", "large", large, ["1M", "€20M", "Nov 29"]],
  ["/operations/charts", "small", small, ["0/s", "0 ms"]],
  ["/operations/charts", "large", large, ["1,000,000/s", "10 s"]],
])(
  "%s: %s values: no label of an axis is cut or overlaps another, at any width",
  async (path, _size, values, some) => {
    scale = values;
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      await page.goto(`${shop.url}/console${path}`);
      await page.locator(".uplot canvas").first().waitFor();
      let found: { faults: string[]; texts: string[] } = { faults: [], texts: [] };
      await eventually("the labels of the axes", async () => {
        found = await page.evaluate<typeof found>(judgeTexts);
        return found.texts.length > 0;
      });
      expect({ width, faults: found.faults }).toEqual({ width, faults: [] });
      expect(found.texts).toEqual(expect.arrayContaining(some));
    }
  },
);
