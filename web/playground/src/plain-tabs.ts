/**
 * Makes the tabs of GraphiQL a list of buttons. It marks up each as a tab that contains two buttons, the
 * second of which closes it: screen readers do not find buttons in a tab. Returns a function that stops.
 */
export function plainTabs(): () => void {
  const tabs = document.querySelector(".graphiql-tabs");
  if (tabs === null) return () => undefined;
  const change = () => {
    tabs.removeAttribute("role");
    for (const tab of tabs.children) {
      tab.removeAttribute("role");
      tab.removeAttribute("aria-selected");
      const isCurrent = tab.classList.contains("graphiql-tab-active");
      tab.querySelector(".graphiql-tab-button")?.setAttribute("aria-current", String(isCurrent));
    }
  };
  change();
  const observer = new MutationObserver(change);
  // GraphiQL sets the attribute again when another tab is selected.
  const changes = { childList: true, subtree: true, attributeFilter: ["aria-selected", "role"] };
  observer.observe(tabs, changes);
  return () => {
    observer.disconnect();
  };
}
