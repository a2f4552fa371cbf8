/** The colour scheme: that of the system, or the one that the user has chosen. */
export type Theme = "system" | "light" | "dark";

const key = "shop-console-theme";

function chosenTheme(): Theme {
  const stored = localStorage.getItem(key);
  return stored === "light" || stored === "dark" ? stored : "system";
}

/** Applies a theme and remembers it. */
export function setTheme(theme: Theme): void {
  if (theme === "system") localStorage.removeItem(key);
  else localStorage.setItem(key, theme);
  applyTheme();
}

/** Applies the chosen theme to the document. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = chosenTheme();
}
