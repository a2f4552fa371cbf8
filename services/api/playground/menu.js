/** @typedef {import("./examples.js").Example} Example */

/** Keys that move the focus in the menu: from an index to the next one. */
const moves = {
  ArrowDown: (index, length) => (index + 1) % length,
  ArrowUp: (index, length) => (index - 1 + length) % length,
  Home: () => 0,
  End: (_index, length) => length - 1,
};

/**
 * Fills the menu of a button with examples. Unlike a `<select>`, it opens no example while the arrow
 * keys move through it. Escape and a click elsewhere close it, as every popover.
 * @param {HTMLButtonElement} button its `popovertarget` is the menu
 * @param {readonly { title: string, examples: readonly Example[] }[]} groups
 * @param {(example: Example) => void} onChosen
 * @returns {() => void} removes the items
 */
export function openMenu(button, groups, onChosen) {
  const menu = button.popoverTargetElement;
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

  const onBeforeToggle = ({ newState }) => {
    menu.style.top = `${button.getBoundingClientRect().bottom + 4}px`;
    button.ariaExpanded = String(newState === "open");
  };
  const onToggle = ({ newState }) => {
    if (newState === "open") items[0]?.focus();
  };
  const onKeyDown = (event) => {
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    items[move(items.indexOf(document.activeElement), items.length)]?.focus();
  };
  menu.addEventListener("beforetoggle", onBeforeToggle);
  menu.addEventListener("toggle", onToggle);
  menu.addEventListener("keydown", onKeyDown);
  return () => {
    menu.removeEventListener("beforetoggle", onBeforeToggle);
    menu.removeEventListener("toggle", onToggle);
    menu.removeEventListener("keydown", onKeyDown);
    menu.replaceChildren();
  };
}

/**
 * @param {Example} example
 * @param {HTMLElement} menu
 * @param {(example: Example) => void} onChosen
 */
function itemOf(example, menu, onChosen) {
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
