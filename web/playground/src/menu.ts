import type { Example, ExampleGroup } from "./examples.ts";

/** Keys that move the focus in the menu: from an index to the next one. */
const moves: Readonly<Record<string, (index: number, length: number) => number>> = {
  ArrowDown: (index, length) => (index + 1) % length,
  ArrowUp: (index, length) => (index - 1 + length) % length,
  Home: () => 0,
  End: (_index, length) => length - 1,
};

/**
 * Fills the menu of a button with examples. Unlike a `<select>`, it opens no example while the arrow
 * keys move through it. Escape and a click elsewhere close it, as every popover. Returns the function
 * that removes the items.
 *
 * @param button its `popovertarget` is the menu
 */
export function openMenu(
  button: HTMLButtonElement,
  groups: readonly ExampleGroup[],
  onChosen: (example: Example) => void,
): () => void {
  const menu = button.popoverTargetElement as HTMLElement;
  menu.replaceChildren(
    ...groups.map(({ title, examples }) => {
      const group = document.createElement("div");
      group.role = "group";
      group.ariaLabel = title;
      const heading = document.createElement("p");
      heading.ariaHidden = "true";
      heading.textContent = title;
      group.append(heading, ...examples.map((example) => itemOf(example, menu, onChosen)));
      return group;
    }),
  );
  const items = [...menu.querySelectorAll("button")];
  const listening = new AbortController();
  const { signal } = listening;

  menu.addEventListener(
    "beforetoggle",
    ({ newState }) => {
      menu.style.top = `${button.getBoundingClientRect().bottom + 4}px`;
      button.ariaExpanded = String(newState === "open");
    },
    { signal },
  );
  menu.addEventListener(
    "toggle",
    ({ newState }) => {
      if (newState === "open") items[0]?.focus();
    },
    { signal },
  );
  menu.addEventListener(
    "keydown",
    (event) => {
      const move = moves[event.key];
      if (move === undefined) return;
      event.preventDefault();
      const focused = items.findIndex((item) => item === document.activeElement);
      items[move(focused, items.length)]?.focus();
    },
    { signal },
  );
  return () => {
    listening.abort();
    menu.replaceChildren();
  };
}

function itemOf(
  example: Example,
  menu: HTMLElement,
  onChosen: (example: Example) => void,
): HTMLButtonElement {
  const item = document.createElement("button");
  item.type = "button";
  item.role = "menuitem";
  // The arrow keys move between the items, and Tab leaves the menu.
  item.tabIndex = -1;
  item.textContent = example.name;
  item.addEventListener("click", () => {
    menu.hidePopover();
    onChosen(example);
  });
  return item;
}
