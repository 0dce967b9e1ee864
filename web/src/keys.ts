// The keyboard of the timeline's page, and the words of its help.
import type { Entries } from "./manual";

export interface Keys {
  point(share: number): void;
  shift(share: number): void;
  zoom(factor: number): void;
  whole(): void;
  lanes(): void;
  trend(): void;
  peak(): void;
}

export const KEYS: Entries = [
  ["\u2190 \u2192", "move the pointer, and tell what was there; with Shift: move the window"],
  ["+  \u2212", "zoom in and out around the pointer; the wheel does, too, and dragging chooses a part"],
  ["0, Esc, double-click", "the whole run"],
  ["l", "functions as lanes below the curve, or as brackets on it"],
  ["t", "the trend: a straight line through all samples"],
  ["p", "the peaks"],
  ["?", "this help"],
];
export const WORDS: Entries = [
  ["RSS, PSS, USS", "resident memory: all pages; shared pages divided by those who share them; the process's own pages"],
  ["peaks between samples", "the kernel's high-water mark, where it was higher than the samples on both sides; of a tree the sum is an upper bound (at most)"],
  ["entry, peak, kept", "of a function: memory when its lowest call began; the most while one ran; what all its calls together left behind, callees included"],
  ["calls, in all", "how often it was called, and the sum of their times"],
  ["not returned", "the program ended within the call"],
  ["trend", "by least squares, MiB an hour, with its standard error: a rise of less than two errors is none"],
  ["all: lowest, median, highest", "of all recordings at each moment; the curves are those unlike the others: killed, near their limit, or over one and a half times the median of the peaks"],
  ["lanes of hosts", "filled lightly up to the highest of its recordings, darker up to their median; a dashed line is a limit, a cross a kill"],
  ["clocks not compared", "nobody knows how much the hosts' clocks differ: mprof plot --clock HOST=+90s"],
  ["CPU", "CPU time spent between two samples, 100 % being one CPU kept busy (recorded with --cpu); dotted, of a child"],
  ["a hatched stretch", "no samples: mprof was stopped, the machine was suspended, or too busy"],
  ["killed for memory", "the kernel killed a process of the control group, which was at its limit"],
  ["control group, limit", "memory of the control group that the program ran in, and where the kernel kills"],
];

export function listen(keys: Keys, dialog: HTMLDialogElement): void {
  const moves: Record<string, (shift: boolean) => void> = {
    ArrowLeft: (all) => (all ? keys.shift(-0.2) : keys.point(-0.01)), ArrowRight: (all) => (all ? keys.shift(0.2) : keys.point(0.01)),
    "+": () => keys.zoom(0.75), "=": () => keys.zoom(0.75), "-": () => keys.zoom(1 / 0.75), 0: keys.whole, Escape: keys.whole,
    l: keys.lanes, t: keys.trend, p: keys.peak, "?": () => dialog.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement, typing = target.tagName === "INPUT" && (target as HTMLInputElement).type === "search";
    if (dialog.open || typing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in moves)) return;
    event.preventDefault();
    moves[event.key](event.shiftKey);
  });
}
