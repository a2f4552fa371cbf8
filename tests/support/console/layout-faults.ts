import type { Page } from "playwright-core";

/** A wide screen at 400 % (WCAG 1.4.10), a phone, a tablet and a wide screen. */
const windows = [
  { width: 320, height: 256 },
  { width: 360, height: 800 },
  { width: 768, height: 1024 },
  { width: 1440, height: 900 },
];

/** Sets the text spacing that users may set (WCAG 1.4.12); the policy of the page permits no style element. */
const setSpacing = `{
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(\`
    * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
    p { margin-bottom: 2em !important; }
  \`);
  document.adoptedStyleSheets = [sheet];
}`;
const resetSpacing = "document.adoptedStyleSheets = []";

/** Says what reaches out of the window, is cut, scrolls sideways, or is too small to be hit (WCAG 2.5.8). */
const findFaults = `(() => {
  const isHidden = (element) =>
    element.closest(".visually-hidden, thead, [class*=skip]") !== null ||
    [element, element.parentElement, element.parentElement.parentElement].some(
      (hiding) => getComputedStyle(hiding).clipPath !== "none",
    );
  const { clientWidth, scrollWidth } = document.documentElement;
  const faults = [];
  if (scrollWidth > clientWidth) faults.push("the page is " + (scrollWidth - clientWidth) + " px too wide");
  for (const element of document.querySelectorAll("body *:not(svg *)")) {
    const { left, right, width, height } = element.getBoundingClientRect();
    if (width === 0 || height === 0 || isHidden(element)) continue;
    const style = getComputedStyle(element);
    const name = element.tagName + " '" + element.textContent.trim().slice(0, 40) + "'";
    // Navigations scroll on phones, and a long value within its field. Names of nodes end with an ellipsis.
    const maySurpass = element.closest("nav, input") !== null || style.textOverflow === "ellipsis";
    if (!maySurpass && (right > clientWidth + 1 || left < -1)) faults.push(name + " is out of the window");
    const isCut = element.scrollWidth > element.clientWidth + 1 && style.overflowX !== "visible";
    if (!maySurpass && isCut) faults.push(name + " is cut or scrolls sideways");
    const isTarget = element.matches("a, button, select, textarea, summary, input:not([type=file])");
    // A link within a sentence is as high as its line.
    if (isTarget && style.display !== "inline" && Math.min(width, height) < 24) {
      faults.push(name + " is a target of " + width + " x " + height + " px");
    }
  }
  return faults;
})()`;

/** Waits for two frames. Charts and tables follow the size of the window in the next one. */
export const twoFrames =
  "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))";

/** Returns what does not fit on a page in small windows, and with wide text spacing. */
export async function layoutFaults(page: Page): Promise<string[]> {
  const size = page.viewportSize() ?? { width: 1280, height: 800 };
  const faults: string[] = [];
  for (const spacing of ["", "wide spacing, "]) {
    await page.evaluate(spacing === "" ? resetSpacing : setSpacing);
    for (const window of windows) {
      await page.setViewportSize(window);
      await page.evaluate(twoFrames);
      const found = await page.evaluate<string[]>(findFaults);
      faults.push(...found.map((fault) => `${spacing}${window.width} px: ${fault}`));
    }
  }
  await page.evaluate(resetSpacing);
  await page.setViewportSize(size);
  return faults;
}
