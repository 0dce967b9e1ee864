// The page of a difference: one flame graph of both captures, red where it grew, blue where it shrank,
// and the rows that did.
import flamegraph, { Node } from "d3-flame-graph";
import { select } from "d3-selection";
import { base, many, percent, size } from "../heap/words";
import { isDark, onTheme } from "../theme";

type Place = [name: string, file: string, line: number];
interface Side { name: string; at: string | null; sample: number }
interface Data {
  before: Side; after: Side; when: string; by: string; unlike: string[];
  frames: [caller: number, before: number, after: number, grew: number, shrank: number, ...Place][];
  rows: [before: number, after: number, growth: number, mark: string, ...Place][];
}
interface Frame { id: number; before: number; after: number; grew: number; shrank: number; name: string; file: string; line: number; callees: Frame[] }
interface Drawn { frame: Frame; value: number; children: Drawn[] }
type Shown = Node<Drawn>;

const WIDTHS = [
  { name: "after", about: "width: what is held after", of: (frame: Frame) => frame.after },
  { name: "before", about: "width: what was held before", of: (frame: Frame) => frame.before },
  { name: "growth", about: "width: the bytes of the stacks that grew", of: (frame: Frame) => frame.grew },
  { name: "shrinkage", about: "width: the bytes of the stacks that shrank", of: (frame: Frame) => -frame.shrank },
];

const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;
const data = JSON.parse(byId("data").textContent ?? "") as Data;
const frames: Frame[] = data.frames.map(([, before, after, grew, shrank, name, file, line], id) => ({ id, before, after, grew, shrank, name, file, line, callees: [] }));
data.frames.forEach(([caller], id) => { if (id) frames[caller].callees.push(frames[id]); });
const root = frames[0];
let width = WIDTHS[0].of(root) >= WIDTHS[1].of(root) ? 0 : 1, current = root, matches = new Set<Frame>(), zoomed = false;

const signed = (bytes: number): string => `${bytes > 0 ? "+" : ""}${size(bytes)}`;
const placeOf = (name: string, file: string, line: number): string => (file ? `${file}:${line} ${name}` : name);
const titleOf = (side: Side): string => side.name + (side.at ? ` ${side.at}` : "");

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text; // never markup: names come from the program
  return made;
}

/** By how much of the larger side: a frame that is new is as red as can be. */
function colourOf(frame: Frame): string {
  const dark = isDark(), share = (frame.after - frame.before) / Math.max(1, frame.after, frame.before);
  if (matches.has(frame)) return dark ? "#c026d3" : "#e879f9";
  const strength = Math.sqrt(Math.abs(share)), hue = share > 0 ? 4 : 219;
  if (strength < 0.03) return dark ? "#3a424d" : "#dfe3e8";
  return dark ? `hsl(${hue} ${20 + 45 * strength}% ${32 + 8 * strength}%)` : `hsl(${hue} ${30 + 45 * strength}% ${88 - 22 * strength}%)`;
}

function build(): Drawn {
  const value = WIDTHS[width].of, top: Drawn = { frame: root, value: Math.max(0, value(root)), children: [] }, open = [top];
  for (let one = open.pop(); one; one = open.pop()) {
    one.children = one.frame.callees.filter((frame) => value(frame) > 0).map((frame) => ({ frame, value: value(frame), children: [] }));
    one.children.sort((a, b) => b.value - a.value);
    open.push(...one.children);
  }
  return top;
}

const graph = byId("graph"), tip = byId("tip"), hold = element("div");
graph.append(hold);
const chart = flamegraph<Drawn>(), none = Object.assign(() => undefined, { show: () => undefined, hide: () => undefined });
const room = (): number => Math.max(200, graph.clientWidth);
const nodeAt = (target: EventTarget | null): Shown | null => {
  const cell = target instanceof Element ? target.closest("g.frame") : null;
  return (cell as (SVGGElement & { __data__: Shown }) | null)?.__data__ ?? null;
};
const cells = (): (SVGGElement & { __data__: Shown })[] => [...hold.querySelectorAll<SVGGElement & { __data__: Shown }>("g.frame")];

function decorate(): void {
  for (const cell of cells()) {
    const { frame } = cell.__data__.data;
    cell.classList.toggle("current", frame === current);
    cell.classList.toggle("other", matches.size > 0 && !matches.has(frame));
  }
  byId("reset").hidden = !zoomed;
  byId("chosen").textContent = describe(current);
}

function describe(frame: Frame): string {
  return `${placeOf(frame.name, frame.file, frame.line)}:  ${size(frame.before)} before, ${size(frame.after)} after, ${signed(frame.after - frame.before)}` +
    (frame.callees.length ? ` (${signed(frame.grew)} and ${signed(frame.shrank)})` : "") + `, ${percent(WIDTHS[width].of(frame), WIDTHS[width].of(root))} of all`;
}

function draw(): void {
  zoomed = false;
  chart.transitionDuration(0).update(build());
  const buttons = [...byId("widths").children];
  buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === width)));
  decorate();
}

function search(words: string): void {
  const wanted = words.trim().toLowerCase();
  matches = new Set(wanted ? frames.filter((frame) => frame !== root && placeOf(frame.name, frame.file, frame.line).toLowerCase().includes(wanted)) : []);
  byId("found").textContent = wanted ? many(matches.size, "frame") : "";
  const largest = [...matches].sort((a, b) => WIDTHS[width].of(b) - WIDTHS[width].of(a))[0];
  if (largest) current = largest;
  chart.update();
  decorate();
}

/** The frames of a row: the graph shows where it is called. */
function chooseRow(name: string, file: string, line: number): void {
  const field = byId("search") as HTMLInputElement;
  field.value = placeOf(name, file, line);
  search(field.value);
}

/** From frame to frame: into the largest callee, back to the caller, to the neighbours. */
function step(key: string): boolean {
  const shown = cells().map((cell) => cell.__data__), node = shown.find((one) => one.data.frame === current);
  if (!node) return false;
  const around = node.parent?.children ?? [node], at = around.indexOf(node);
  const to = key === "ArrowUp" ? node.parent : key === "ArrowDown" ? node.children?.[0]
    : key === "ArrowLeft" ? around[at - 1] : key === "ArrowRight" ? around[at + 1] : null;
  if (key === "Enter") chart.zoomTo(node);
  else if (key === "Escape") reset();
  else if (to) current = to.data.frame;
  else return false;
  decorate();
  return true;
}

function reset(): void {
  const whole = cells().map((cell) => cell.__data__).find((node) => !node.parent);
  if (whole) chart.zoomTo(whole);
}

function table(title: string, rows: Data["rows"]): void {
  if (!rows.length) return;
  const made = element("table"), head = element("tr");
  made.append(element("caption", "", title), head);
  for (const name of [title === "What grew" ? "grew" : "shrank", "before", "after"]) head.append(element("th", "", name));
  head.append(element("th", "where", data.by));
  for (const [before, after, growth, mark, name, file, line] of rows) {
    const row = element("tr"), where = element("td", "where"), button = element("button", "", placeOf(name, file, line));
    button.type = "button";
    button.addEventListener("click", () => chooseRow(name, file, line));
    where.append(button, element("small", "", mark));
    row.append(element("td", growth > 0 ? "up" : "down", signed(growth)), element("td", "", size(before)), element("td", "", size(after)), where);
    made.append(row);
  }
  byId("lines").append(made);
}

document.title = `${base(data.before.name)} to ${base(data.after.name)}`;
byId("title").textContent = `${titleOf(data.before)}  \u2192  ${titleOf(data.after)}`;
byId("summary").textContent = `${size(root.before)}, then ${size(root.after)}: ${signed(root.after - root.before)}${data.when}`;
for (const why of data.unlike) byId("notices").append(element("li", "", why));
WIDTHS.forEach(({ name, about, of }, i) => {
  const button = element("button", "", name);
  button.type = "button";
  button.title = about;
  button.append(element("small", "", size(of(root))));
  button.addEventListener("click", () => { width = i; draw(); });
  byId("widths").append(button);
});
chart.width(room()).cellHeight(20).minFrameSize(2).inverted(true).resetHeightOnZoom(true).transitionDuration(0).tooltip(none)
  .getName((node) => (node.data.frame.file ? `${node.data.frame.name}  ${base(node.data.frame.file)}:${node.data.frame.line}` : node.data.frame.name))
  .setColorMapper((node) => colourOf(node.data.frame))
  .onClick((node) => { current = node.data.frame; zoomed = current !== root; decorate(); });
select(hold).datum(build()).call(chart);
draw();
table("What grew", data.rows.filter(([, , growth]) => growth > 0));
table("What shrank", data.rows.filter(([, , growth]) => growth < 0));
byId("search").addEventListener("input", (event) => search((event.target as HTMLInputElement).value));
byId("reset").addEventListener("click", reset);
graph.addEventListener("keydown", (event) => { if (step(event.key)) event.preventDefault(); });
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
  byId("search").focus();
  event.preventDefault();
});
graph.addEventListener("mousemove", (event) => {
  const node = nodeAt(event.target);
  tip.hidden = !node;
  if (!node) return;
  tip.textContent = describe(node.data.frame);
  tip.style.left = `${Math.max(8, Math.min(event.pageX + 14, document.documentElement.clientWidth - 360))}px`;
  tip.style.top = `${event.pageY + 16}px`;
});
graph.addEventListener("mouseleave", () => { tip.hidden = true; });
window.addEventListener("resize", () => { chart.width(room()).update(); decorate(); });
onTheme(byId("theme"), () => { chart.update(); decorate(); });
