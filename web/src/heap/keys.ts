// The keyboard, and the page that explains it.
export interface Keys {
  step(way: "out" | "in" | "before" | "after"): void;
  zoom(): void;
  reset(): void;
  search(): void;
  icicle(): boolean;
}

const KEYS: [string, string][] = [
  ["arrow keys", "move from frame to frame: caller, callee, neighbours"],
  ["Enter, click", "zoom into the frame"],
  ["Esc", "forget the search; zoom out"],
  ["/", "search functions, files and lines; Enter leaves the field"],
  ["?", "this help"],
];
const WORDS: [string, string][] = [
  ["at the peak", "bytes in blocks that were there when most memory was in use"],
  ["still live", "bytes in blocks that were not freed by the end"],
  ["allocated", "bytes ever allocated, freed or not"],
  ["temporary", "blocks freed before their thread allocated again: work that a buffer or a generator may save"],
  ["\u00b1", "the standard error of a size, where one block in so many bytes was recorded (mprof heap --sample)"],
  ["smaller", "stacks below the least share of every measure, merged; their bytes are counted. mprof flamegraph --full or --min-percent draws them"],
  ["deeper", "stacks below the deepest frame that is drawn, merged"],
  ["imports", "importlib's own frames are left out: what they hold is the importing line's, and one line of the table; they can be drawn in full, or all that an import takes as one frame"],
  ["colours", "warm: your code, by function; cool: installed packages, by package; grey-blue: the standard library; grey: merged"],
];

function list(entries: [string, string][]): HTMLElement {
  const made = document.createElement("dl");
  for (const [term, text] of entries) {
    const name = document.createElement("dt"), about = document.createElement("dd");
    name.textContent = term;
    about.textContent = text;
    made.append(name, about);
  }
  return made;
}

export function manual(dialog: HTMLDialogElement, button: HTMLElement): void {
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "close";
  close.addEventListener("click", () => dialog.close());
  dialog.append(list(KEYS), list(WORDS), close);
  button.addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}

export function listen(keys: Keys, dialog: HTMLDialogElement): void {
  const moves: Record<string, () => void> = {
    ArrowUp: () => keys.step(keys.icicle() ? "out" : "in"), ArrowDown: () => keys.step(keys.icicle() ? "in" : "out"),
    ArrowLeft: () => keys.step("before"), ArrowRight: () => keys.step("after"), Enter: keys.zoom,
    "/": keys.search, "?": () => dialog.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement, typing = target.tagName === "INPUT" && (target as HTMLInputElement).type === "search";
    if (dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return keys.reset();
    if (typing && event.key === "Enter") return target.blur();
    const onButton = event.key === "Enter" && ["BUTTON", "INPUT"].includes(target.tagName);
    if (typing || target.tagName === "SELECT" || onButton || !(event.key in moves)) return;
    event.preventDefault();
    moves[event.key]();
  });
}
