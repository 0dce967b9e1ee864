// Light and dark: the notebook's around it, or the system's preference, until the button is pressed.
const preference = matchMedia("(prefers-color-scheme: dark)");

/** Red, green, blue and how opaque, 0 to 255, of a colour in whichever way CSS writes it: rgb(), oklch(), color(srgb ...). */
function pixelOf(colour: string): Uint8ClampedArray {
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d")!;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}

/** In the output of a notebook's cell: what the notebook has around it, which need not be the system's preference. */
function around(): string | undefined {
  try {
    for (let node = window.frameElement; node; node = node.parentElement) {
      const [red, green, blue, opaque] = pixelOf(getComputedStyle(node).backgroundColor);
      if (opaque > 127) return 0.3 * red + 0.6 * green + 0.1 * blue < 128 ? "dark" : "light";
    }
  } catch { /* of another origin: nobody's business */ }
  return undefined;
}

const surroundings = around();
if (surroundings) document.documentElement.dataset.theme = surroundings;

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
