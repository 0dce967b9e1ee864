// The keyboard, and the page that explains it.
import { manual as explain } from "../manual";

export interface Keys {
  step(way: "out" | "in" | "before" | "after"): void;
  zoom(): void;
  reset(): void;
  search(): void;
  icicle(): boolean;
  invert(): void;
  text(): void;
}

const KEYS: [string, string][] = [
  ["arrow keys", "move from frame to frame: caller, callee, neighbours"],
  ["Enter, click", "zoom into the frame"],
  ["Esc", "forget the search, or the line that was chosen; zoom out"],
  ["/", "search functions, files and lines; Enter leaves the field"],
  ["i", "turn the stacks over: callers below the lines that allocated, or above"],
  ["t", "text of the frames: names, or the source of the line"],
  ["in the timeline", "arrow keys: from moment to moment; with Shift: a range, what grew in it; Esc: the peak again"],
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
  ["own, total", "what a line allocated itself; with all that it called, once where it recurs. Of your lines own has what libraries allocated for them, up to your next line"],
  ["source of a file", "each line with own and total of what is drawn, and how its total went through the run, from nothing to its most"],
  ["inverted", "first the lines that allocated, below each of them who called it: what is held by a line whoever led there"],
  ["\u00d7 12", "a recursion, also of several functions in turns, that is drawn once: so many times at most in one stack. What is called at any depth is below it"],
  ["(\u2026 12 frames)", "outer frames that lead to your code and to little else, as those of a thread, a server or a notebook; they can be drawn"],
  ["a moment", "of some points of the run, and of marks (heap.mark, mprof mark), what held how much: a click in the timeline shows one, dragging what grew from one to another. Stacks that held less than a 2,000th each are one, (smaller stacks)"],
  ["growth", "red grew, blue shrank, pale is even; a frame is as wide as all that changed in it and below"],
  ["of", "of several processes: all of them, or what one held at its own peak. Each worker is one, with its children; a process that is none is one for itself"],
  ["stands out", "who holds more than 1.5 times the median there, and twice as far above it as nine in ten of them are at most"],
  ["types", "first what the blocks are, below each type the stacks of its objects, with what they keep in blocks of their own. Known where somebody counted: at the end; near the peak and at marks with mprof heap --types"],
  ["holders", "who kept objects alive at the end: each is as wide as what it retains, what would go with it, and above what it alone keeps; of several processes each below its name, or the one that is chosen"],
  ["colours", "warm: your code, by function; cool: installed packages, by package; grey-blue: the standard library; grey: merged"],
];

export const manual = (dialog: HTMLDialogElement, button: HTMLElement): void => explain(dialog, button, KEYS, WORDS);

export function listen(keys: Keys, dialog: HTMLDialogElement): void {
  const moves: Record<string, () => void> = {
    ArrowUp: () => keys.step(keys.icicle() ? "out" : "in"), ArrowDown: () => keys.step(keys.icicle() ? "in" : "out"),
    ArrowLeft: () => keys.step("before"), ArrowRight: () => keys.step("after"), Enter: keys.zoom,
    "/": keys.search, i: keys.invert, t: keys.text, "?": () => dialog.showModal(),
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
