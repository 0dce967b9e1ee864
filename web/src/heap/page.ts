// The page of a heap capture: one capture, four measures, drawn as flame graph and as lines.
import { onTheme } from "../theme";
import { Frame, Measure, MEASURES, nameOf, placeOf, readCapture, sourceOf } from "./capture";
import { Flame, Imports } from "./flame";
import { listen, manual } from "./keys";
import { Lines } from "./lines";
import { timeline } from "./timeline";
import { count, estimate, many, percent, seconds, size } from "./words";

const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const capture = readCapture(byId("data").textContent ?? "");
const { root, counted } = capture;
const tip = byId("tip"), search = byId<HTMLInputElement>("search"), imports = byId<HTMLSelectElement>("imports");
const valueOf = (frame: Frame, measure: Measure): number => Math.max(0, frame.figures[measure.of]);
const sized = (bytes: number): string => estimate(bytes, capture.sample);
const shown = (value: number, measure: Measure): string => (measure.bytes ? sized(value) : many(value, "block"));

let measure: Measure = MEASURES.find((one) => valueOf(root, one) > 0) ?? MEASURES[0], icicle = true;
const flame = new Flame(byId("graph"), capture, measure), lines = new Lines(byId("lines"), capture);

function summary(): string {
  return [
    ...(capture.command ? [capture.command] : []),
    capture.processes > 1 ? `peaks of ${capture.processes} processes, each at its own, ${sized(counted.peak)} in all`
      : `peak ${sized(counted.peak)} after ${seconds(capture.peak_time)}`,
    `${sized(counted.live)} still live after ${seconds(capture.elapsed)}`,
    `${sized(counted.total)} in ${many(counted.blocks, "allocation")}, ${percent(counted.temporary, counted.blocks)} temporary`,
    ...(capture.processes > 1 ? [] : [`process ${capture.pid}`]), new Date(capture.start * 1000).toLocaleString(),
  ].join(" \u00b7 ");
}

/** The stacks of a capture that was read while it changed need not sum to its counters. */
function disagreement(): string {
  const [peak, , live] = root.figures;
  if (peak === counted.peak && live === counted.live) return "";
  return `The stacks hold ${size(peak)} at the peak and ${size(live)} live, the capture's counters say ${size(counted.peak)} and ${size(counted.live)}: threads were allocating at the same moment, or the capture was read while it changed.`;
}

function merged(): string {
  const sum = (kind: Frame["kind"]): [number, number] => {
    const open = [root];
    let stacks = 0, peak = 0;
    for (let frame = open.pop(); frame; frame = open.pop()) {
      if (frame.kind === kind) [stacks, peak] = [stacks + frame.stacks, peak + frame.figures[0]];
      open.push(...frame.children);
    }
    return [stacks, peak];
  };
  const [smaller, peak] = sum("smaller"), [deeper] = sum("deeper"), told = [];
  if (smaller) told.push(`${count(smaller)} of ${many(root.stacks, "stack")}, each below ${+(100 * capture.least).toPrecision(2)}% of every measure and together ${percent(peak, root.figures[0])} of the peak, are drawn merged (mprof flamegraph --full draws them all).`);
  if (deeper) told.push(`${many(deeper, "stack")} deeper than can be drawn ${deeper === 1 ? "is" : "are"} merged into "deeper" (mprof flamegraph --fold-recursion draws a recursion as one frame).`);
  return told.join(" ");
}

function notices(): void {
  const { incomplete, untracked, untracked_bytes, shortened, sample } = capture;
  const told: [string, boolean][] = [
    [incomplete ? `Incomplete: ${incomplete}.` : "", true],
    [untracked ? `Not followed: ${many(untracked, "block")} (${size(untracked_bytes)}), for want of memory.` : "", true],
    [shortened ? `Charged to their callers: ${many(shortened, "allocation")} whose stacks found no room in the file.` : "", true],
    [sample ? `Sampled: one block in ${size(sample)}. A figure of x bytes is an estimate with a standard error (\u00b1) of at most the root of ${size(sample)} times x, and where none was recorded of ${size(sample)}; counts of blocks are estimates as well.` : "", false],
    [disagreement(), true], [merged(), false],
  ];
  for (const [text, warns] of told) {
    if (!text) continue;
    const item = document.createElement("li");
    item.textContent = text;
    item.className = warns ? "warning" : "";
    byId("notices").append(item);
  }
}

/** What a frame is, a line each. */
function describe(frame: Frame): string[] {
  const value = valueOf(frame, measure), blocks = frame.figures[measure.blocks];
  const below = frame.children.reduce((sum, child) => sum + valueOf(child, measure), 0);
  const facts = [`${shown(value, measure)}${measure.bytes ? ` in ${many(blocks, "block")}` : ""}, ${percent(value, valueOf(root, measure))} of all ${measure.name}`];
  if (frame.kind === "call" && below < value) facts.push(`${shown(value - below, measure)} in the line itself`);
  facts.push(many(frame.stacks, "call stack"));
  const place = placeOf(frame.func, frame.line), source = sourceOf(frame.func, frame.line);
  return [nameOf(frame), place, ...(source ? [source] : []), ...facts].filter(Boolean);
}

function tell(frame: Frame | null, x = 0, y = 0): void {
  tip.hidden = !frame;
  if (!frame) return;
  tip.textContent = describe(frame).join("\n");
  const right = innerWidth - tip.offsetWidth - 8, below = y + 18 + tip.offsetHeight < innerHeight;
  tip.style.left = `${Math.max(8, Math.min(x + 12, right))}px`;
  tip.style.top = `${below ? y + 18 : Math.max(8, y - tip.offsetHeight - 10)}px`;
}

function find(): void {
  const { frames, value } = flame.search(search.value);
  lines.search(search.value);
  byId("found").textContent = !search.value.trim() ? "" : !frames ? "not in the graph"
    : `${percent(value, valueOf(root, measure))} in ${many(frames, "frame")}`;
  byId("found").title = frames ? `${shown(value, measure)} in the frames found and below` : "";
}

function told(frame: Frame): void {
  byId("chosen").textContent = describe(frame).join("  \u00b7  ");
}

function choose(next: Measure): void {
  measure = next;
  byId("measures").querySelectorAll("button").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.key === next.key)));
  flame.show(measure, imports.value as Imports);
  lines.show(measure);
  find();
  told(flame.current);
}

function turn(on: boolean): void {
  icicle = on;
  byId("icicle").setAttribute("aria-pressed", String(icicle));
  byId("flame").setAttribute("aria-pressed", String(!icicle));
  flame.turn(icicle);
  const graph = byId("graph");
  graph.classList.toggle("icicle", icicle);
  graph.scrollTop = icicle ? 0 : graph.scrollHeight;
}

function back(): void {
  if (search.value) {
    search.value = "";
    find();
  } else {
    flame.reset();
  }
  search.blur();
  tell(null);
}

for (const one of MEASURES) {
  const button = document.createElement("button"), value = document.createElement("small");
  button.type = "button";
  button.textContent = one.name;
  button.title = one.about;
  button.dataset.key = one.key;
  value.textContent = shown(valueOf(root, one), one);
  button.append(value);
  button.addEventListener("click", () => choose(one));
  byId("measures").append(button);
}
document.title = byId("title").textContent = capture.title ?? capture.file;
byId("summary").textContent = summary();
notices();
const redrawTime = timeline(byId("plot"), capture);

flame.onZoom = (zoomed) => { byId("reset").hidden = !zoomed; };
flame.onMove = told;
lines.onPick = (place) => {
  search.value = search.value === place ? "" : place;
  find();
  scrollTo({ top: 0, behavior: "smooth" });
};
byId("icicle").addEventListener("click", () => turn(true));
byId("flame").addEventListener("click", () => turn(false));
byId("reset").addEventListener("click", () => flame.reset());
imports.addEventListener("change", () => choose(measure));
search.addEventListener("input", find);
byId("graph").addEventListener("mousemove", (event) => tell(flame.frameAt(event.target), event.clientX, event.clientY));
byId("graph").addEventListener("mouseleave", () => tell(null));
onTheme(byId("theme"), () => { flame.repaint(); redrawTime(); });
const dialog = byId<HTMLDialogElement>("manual");
manual(dialog, byId("help"));
listen({
  step: (way) => flame.step(way), zoom: () => flame.zoom(), reset: back, icicle: () => icicle,
  search: () => { search.focus(); search.select(); },
}, dialog);
let width = 0;
new ResizeObserver(() => {
  if (byId("graph").clientWidth === width) return;
  width = byId("graph").clientWidth;
  flame.resize();
  redrawTime();
}).observe(byId("graph"));
choose(measure);
turn(true);
