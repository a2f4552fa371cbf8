import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);
const allRules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

interface Violation {
  id: string;
  nodes: { html: string }[];
}

/**
 * Defines what the looks share in the page: `remember` keeps the elements that are shown at a width, and
 * `only` returns those that are shown at no other one. Rows that are cards keep a hidden head.
 */
const defineShown = `{
  const shown = new Map();
  const isShown = (element) =>
    element.checkVisibility({ visibilityProperty: true }) &&
    getComputedStyle(element).clipPath === "none";
  globalThis.shownElements = {
    remember(width) {
      const elements = new Set([document.body]);
      for (const element of document.querySelectorAll("body *")) {
        // Parents come before their children.
        if (elements.has(element.parentElement) && isShown(element)) elements.add(element);
      }
      shown.set(width, elements);
    },
    only(width) {
      const others = [...shown].filter(([other]) => other !== width).map(([, elements]) => elements);
      const isOnly = (element) => !others.some((elements) => elements.has(element));
      return [...shown.get(width)].filter((element) => element.isConnected && isOnly(element));
    },
  };
}`;

/** Phones and wide screens. */
const narrow = 360;
const wide = 1_280;

/**
 * Phones and wide screens, light and dark. Contrast is what costs: an element that both widths show is
 * measured in light on the wide one and in dark on the narrow one, and the others in both.
 */
const looks = [
  { width: wide, colorScheme: "light", isWhole: true },
  { width: narrow, colorScheme: "dark", isWhole: true },
  { width: narrow, colorScheme: "light", isWhole: false },
  { width: wide, colorScheme: "dark", isWhole: false },
] as const;

/**
 * Gives the violations of WCAG 2.2 AA of what a page shows, on phones and wide screens, light and
 * dark, and says where a page is wider than the screen.
 */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  const size = page.viewportSize() ?? { width: wide, height: 800 };
  if (!(await page.evaluate<boolean>("'axe' in globalThis"))) await page.evaluate(axeSource);
  await page.evaluate(defineShown);
  const faults: string[] = [];
  for (const { width, colorScheme, isWhole } of looks) {
    await page.setViewportSize({ width, height: size.height });
    await page.emulateMedia({ colorScheme });
    const found = isWhole ? await faultsOfAll(page, width) : await faultsOfColours(page, width);
    const at = `${width} px, ${colorScheme}`;
    for (const { id, nodes } of found) {
      faults.push(...nodes.map(({ html }) => `${at}: ${id}: ${html.slice(0, 200)}`));
    }
    const excess = await page.evaluate<number>(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    if (excess > 0) faults.push(`${at}: the page is ${excess} px too wide`);
  }
  await page.setViewportSize(size);
  return faults;
}

async function faultsOfAll(page: Page, width: number): Promise<Violation[]> {
  const options = JSON.stringify({ runOnly: allRules, resultTypes: ["violations"] });
  const { violations } = await page.evaluate<{ violations: Violation[] }>(
    `axe.run(${options}).finally(() => shownElements.remember(${width}))`,
  );
  return violations;
}

/** Measures the contrast of the elements that no other width shows. */
async function faultsOfColours(page: Page, width: number): Promise<Violation[]> {
  const options = JSON.stringify({ runOnly: ["color-contrast"], resultTypes: ["violations"] });
  return await page.evaluate<Violation[]>(`(async () => {
    const elements = shownElements.only(${width});
    if (elements.length === 0) return [];
    return (await axe.run(elements, ${options})).violations;
  })()`);
}
