/** What can take the place of a removed button: it has the same thing, or what remained of it. */
const places = "tr, li, section, article, main";

/** The element in the page that had the focus last, with its ancestors. */
let path: Element[] = [];

/**
 * Moves the focus when its element leaves the page, for example the button of a confirmed action: to the
 * row, the part or the title where it was. Otherwise keyboard users would begin at the top again.
 *
 * @param root the page. Dialogs are outside of it: after them, the button that opened them counts.
 */
export function keepFocus(root: HTMLElement): void {
  root.addEventListener("focusin", ({ target }) => {
    path = target instanceof Element ? ancestorsOf(target) : [];
  });
  root.addEventListener("focusout", ({ target, relatedTarget }) => {
    if (relatedTarget !== null) return;
    // The event also comes before the element is removed, and when the window loses the focus.
    setTimeout(() => {
      const hasLeft = target === path[0] && isConnected(target) && isNowhere();
      if (hasLeft) path = [];
    });
  });
  new MutationObserver(() => {
    if (isLost()) requestAnimationFrame(() => requestAnimationFrame(restore));
  }).observe(document.body, { childList: true, subtree: true });
}

function ancestorsOf(element: Element): Element[] {
  const found = [];
  for (let each: Element | null = element; each; each = each.parentElement) found.push(each);
  return found;
}

const isConnected = (target: EventTarget | undefined | null) =>
  target instanceof Element && target.isConnected;
const isNowhere = () => document.activeElement === document.body;
const isLost = () => path.length > 0 && !isConnected(path[0]) && isNowhere();

/** Runs after a closing dialog and a new page have moved the focus themselves. */
function restore(): void {
  if (!isLost()) return;
  const place = path.find((element) => element.isConnected && element.matches(places));
  const isPage = place === undefined || place.matches("main");
  const target = isPage ? document.querySelector("main h1") : place;
  if (!(target instanceof HTMLElement)) return;
  if (!target.hasAttribute("tabindex")) {
    target.tabIndex = -1;
    const forget = () => {
      target.removeAttribute("tabindex");
    };
    target.addEventListener("blur", forget, { once: true });
  }
  target.focus({ preventScroll: true });
}
