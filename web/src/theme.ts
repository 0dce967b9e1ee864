// Light and dark: the system's preference until the button is pressed.
const preference = matchMedia("(prefers-color-scheme: dark)");

export function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : preference.matches;
}

export function themeColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The button switches; `changed` runs behind every change, the system's too. */
export function onTheme(button: HTMLElement, changed: () => void): void {
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    changed();
  });
  preference.addEventListener("change", changed);
}
