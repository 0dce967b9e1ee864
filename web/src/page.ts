// The page of `mprof plot`: a curve to zoom and hover, functions, children, a legend of switches.
import uPlot from "uplot";
import { brackets, colour, cross, line, stems } from "./draw";
import { Child, ending, Figure, highest, mib, Points, seconds, valueAt } from "./figure";
import { Box, boxAt, drawLanes, lanesHeight, layOut } from "./lanes";
import { group, Item } from "./legend";
import { onTheme, themeColour } from "./theme";

const CHILDREN_AT_FIRST = 24, CALLS_IN_TIP = 8;

const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const figure: Figure = JSON.parse(byId("data").textContent ?? "");
const { runs } = figure, main = runs[0];
const stage = byId("stage"), place = byId("plot"), tip = byId("tip"), lanes = byId<HTMLCanvasElement>("lanes");

const date = (at: number): string => new Date(at * 1000).toLocaleString();
const runItems: Item[] = runs.map((run, i) => ({
  key: `run ${i}`, name: runs.length > 1 ? run.file : "memory", fact: mib(run.peak),
  colour: i ? colour(i) : "var(--curve)", on: true,
}));
const extras: Item[] = [];
const extra = (key: string, name: string, fact: string, shade: string, wanted: boolean): Item => {
  const item = { key, name, fact, colour: shade, on: wanted };
  if (wanted) extras.push(item);
  return item;
};
const marks = extra("marks", main.bounds ? "at most, between samples" : "peaks between samples", "", "var(--mark)",
  runs.some((run) => run.marks.t.length > 0));
const peak = extra("peak", "peak", mib(main.peak), "var(--limit)", true);
const controlGroup = extra("group", "control group", "", "var(--group)", main.group.t.length > 0);
const limit = extra("limit", "limit", main.limit == null ? "" : mib(main.limit), "var(--limit)", main.limit != null);
const slope = extra("slope", "trend", `${main.slope.toFixed(5)} MiB/s`, "var(--soft)", figure.slope);
limit.on = limit.on && main.limit != null && main.limit < 4 * main.peak;
const functionItems: Item[] = main.functions.map((f, i) => ({
  key: `function ${f.name}`, name: f.label, colour: colour(i), on: true,
  fact: `${f.calls.length > 1 ? `${f.calls.length} x ` : ""}${seconds(f.calls.reduce((sum, c) => sum + c[2] - c[0], 0))}`,
}));
// A part of the process itself has no number of its own.
const childName = (child: Child): string => (child.pid ? `${child.pid} ${child.name}` : child.name);
const childItems: Item[] = main.children.map((child, i) => ({
  key: `child ${child.pid}`, name: childName(child), fact: mib(child.peak), colour: colour(i + 3),
  on: i < CHILDREN_AT_FIRST,
}));

let flame = figure.flame, boxes: Box[] = [], rows = 0;

function shownCurves(): Points[] {
  const shown = runs.filter((_, i) => runItems[i].on).map((run) => run.curve);
  if (marks.on) shown.push(...runs.filter((_, i) => runItems[i].on).map((run) => run.marks));
  if (controlGroup.on) shown.push(main.group);
  shown.push(...main.children.filter((_, i) => childItems[i].on).map((child) => child.curve));
  return shown;
}

function heightRange(u: uPlot): [number, number] {
  const { min, max } = u.scales.x;
  let top = 0;
  for (const points of shownCurves()) top = Math.max(top, highest(points, min ?? 0, max ?? 0));
  if (limit.on && main.limit != null) top = Math.max(top, main.limit);
  return [0, (top || 1) * 1.06];
}

function trend(u: uPlot, start: number, perSecond: number, style: string): void {
  const from = u.scales.x.min ?? 0, to = u.scales.x.max ?? 0;
  line(u, { t: [from, to], m: [start + perSecond * from, start + perSecond * to] }, style, 1, [6, 4]);
}

function drawAll(u: uPlot): void {
  const { ctx } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
  ctx.clip();
  main.children.forEach((child, i) => childItems[i].on && line(u, child.curve, colour(i + 3), 1));
  runs.forEach((run, i) => {
    if (!runItems[i].on) return;
    const base = (t: number): number => valueAt(run.curve, t) ?? 0;
    if (marks.on) stems(u, run.marks, base, themeColour("--mark"));
    line(u, run.curve, i ? colour(i) : themeColour("--curve"), 1.5);
    if (slope.on) trend(u, run.intercept, run.slope, themeColour("--soft"));
  });
  if (controlGroup.on) line(u, main.group, themeColour("--group"), 1.2);
  if (limit.on && main.limit != null) cross(u, NaN, main.limit, themeColour("--limit"));
  if (peak.on && runItems[0].on) cross(u, main.peak_time, main.peak, themeColour("--limit"));
  if (!flame) main.functions.forEach((f, i) => functionItems[i].on && brackets(u, f.calls, colour(i)));
  ctx.restore();
  if (flame) drawLanes(lanes, u, boxes, main.functions, themeColour("--ink"));
}

function callsAt(t: number): string[] {
  const open: { level: number; text: string }[] = [];
  main.functions.forEach((f, i) => {
    if (!functionItems[i].on) return;
    for (const call of f.calls)
      if (call[0] <= t && t <= call[2])
        open.push({ level: call[4], text: `${f.label}  ${seconds(call[2] - call[0])}${call[5] ? " (not returned)" : ""}` });
  });
  open.sort((a, b) => a.level - b.level);
  const lines = open.slice(0, CALLS_IN_TIP).map((entry) => `${"  ".repeat(entry.level)}${entry.text}`);
  if (open.length > CALLS_IN_TIP) lines.push(`and ${open.length - CALLS_IN_TIP} more`);
  return lines;
}

function nearestMark(t: number, reach: number): number | null {
  const { t: times, m } = main.marks;
  let best: number | null = null;
  for (let i = 0; i < times.length; i++)
    if (Math.abs(times[i] - t) <= reach && (best == null || (m[i] ?? 0) > best)) best = m[i];
  return best;
}

function describe(u: uPlot, t: number): string {
  const lines = [`${t.toFixed(4)} s  (${date(main.start + t)})`];
  runs.forEach((run, i) => {
    const value = runItems[i].on ? valueAt(run.curve, t) : null;
    if (value != null) lines.push(`${runs.length > 1 ? `${run.file}: ` : ""}${mib(value)}`);
  });
  const mark = marks.on ? nearestMark(t, u.posToVal(4, "x") - u.posToVal(0, "x")) : null;
  if (mark != null) lines.push(`${main.bounds ? "at most" : "peak"} ${mib(mark)}`);
  main.children.slice(0, CHILDREN_AT_FIRST).forEach((child, i) => {
    const inside = t >= child.curve.t[0] && t <= child.curve.t[child.curve.t.length - 1];
    const value = childItems[i].on && inside ? valueAt(child.curve, t) : null;
    if (value != null) lines.push(`${childName(child)}: ${mib(value)}`);
  });
  return [...lines, ...callsAt(t)].join("\n");
}

function showTip(text: string, left: number, top: number): void {
  tip.hidden = !text;
  tip.textContent = text;
  const room = stage.clientWidth - tip.offsetWidth - 16;
  tip.style.left = `${Math.max(0, Math.min(left + 14, room))}px`;
  tip.style.top = `${top + 14}px`;
}

function hover(u: uPlot): void {
  const { left, top } = u.cursor;
  if (left == null || top == null || left < 0) return void (tip.hidden = true);
  showTip(describe(u, u.posToVal(left, "x")), left + u.bbox.left / devicePixelRatio, top);
}

const axis = (label: string, unit: (value: number) => string): uPlot.Axis => ({
  label, labelSize: 22, stroke: () => themeColour("--soft"), size: label === "time" ? 40 : 74,
  grid: { stroke: () => themeColour("--line"), width: 1 }, ticks: { stroke: () => themeColour("--line"), width: 1 },
  values: (_, splits) => splits.map(unit),
});

const longest = Math.max(...runs.map((run) => run.to)), earliest = Math.min(...runs.map((run) => run.from));
const u = new uPlot({
  width: 600, height: 400, legend: { show: false },
  scales: {
    x: { time: false, range: (_, low, high) => low == null || low === high ? [earliest, Math.max(longest, earliest + 0.001)] : [low, high] },
    y: { range: (self) => heightRange(self) },
  },
  axes: [axis("time", (t) => `${+t.toFixed(6)} s`), axis(`${main.metric.toUpperCase()} in MiB`, (m) => `${+m.toFixed(4)}`)],
  series: [{}, { stroke: "transparent", points: { show: false } }],
  cursor: { y: false, drag: { x: true, y: false }, points: { show: false } },
  hooks: { draw: [drawAll], setCursor: [hover] },
}, [[earliest, Math.max(longest, earliest + 0.001)], [0, main.peak]], place);

function refresh(): void {
  ({ boxes, rows } = layOut(main.functions, (i) => functionItems[i].on));
  lanes.hidden = !flame || !rows;
  lanes.style.height = `${lanesHeight(rows)}px`;
  byId("flame").setAttribute("aria-pressed", String(flame));
  byId("flame").hidden = !main.functions.length;
  u.setSize({ width: place.clientWidth, height: Math.max(160, stage.clientHeight - (lanes.hidden ? 0 : lanesHeight(rows))) });
  const { min, max } = u.scales.x;
  if (min != null && max != null) u.setScale("x", { min, max });
  u.redraw(false, true);
}

function wholeRun(): void {
  u.setScale("x", { min: earliest, max: Math.max(longest, earliest + 0.001) });
}

/** The wheel zooms around the pointer. */
function zoomWheel(event: WheelEvent): void {
  const { min, max } = u.scales.x;
  if (min == null || max == null) return;
  event.preventDefault();
  const factor = event.deltaY < 0 ? 0.75 : 1 / 0.75, at = u.posToVal(u.cursor.left ?? 0, "x");
  u.setScale("x", { min: Math.max(earliest, at - (at - min) * factor), max: Math.min(longest, at + (max - at) * factor) });
}

function hoverLane(event: MouseEvent): void {
  const box = boxAt(boxes, u, event.offsetX, event.offsetY);
  if (!box) return void (tip.hidden = true);
  const [t0, m0, t1, m1, , open, pid, thread] = box.call;
  showTip(`${main.functions[box.func].name}\n${t0.toFixed(4)} s, ${seconds(t1 - t0)}${open ? ", not returned" : ""}\n`
    + `${mib(m0)}${open ? "" : ` to ${mib(m1)}`}${pid ? `\nprocess ${pid}, thread ${thread}` : ""}`,
  event.offsetX, lanes.offsetTop - 70);
}

function summary(): string {
  const facts = [`peak ${mib(main.peak)} at ${seconds(main.peak_time)}`, `${seconds(main.to - main.from)}`, `${main.samples} samples`, date(main.start)];
  if (main.late) facts.push(`${main.late} samples missed`);
  if (main.unsampled > 0) facts.push(`${main.unsampled} ${main.unsampled === 1 ? "process" : "processes"} too short to sample`);
  if (main.calls_left_out) facts.push(`${main.calls_left_out} shortest calls left out`);
  if (ending(main)) facts.push(ending(main));
  return facts.join(" \u00b7 ");
}

document.title = byId("title").textContent = figure.title ?? (runs.length === 1 ? main.command ?? main.file : "mprof");
byId("summary").textContent = summary();
const legend = byId("legend");
group(legend, runs.length > 1 ? "recordings" : "memory", [...runItems, ...extras], refresh);
group(legend, "functions", functionItems, refresh);
group(legend, main.children.some((child) => child.pid) ? "children" : "of which", childItems, refresh);
byId("flame").addEventListener("click", () => { flame = !flame; refresh(); });
byId("reset").addEventListener("click", wholeRun);
onTheme(byId("theme"), () => u.redraw(false, true));
u.over.addEventListener("wheel", zoomWheel, { passive: false });
u.over.addEventListener("dblclick", wholeRun);
lanes.addEventListener("mousemove", hoverLane);
lanes.addEventListener("mouseleave", () => { tip.hidden = true; });
new ResizeObserver(refresh).observe(stage);
refresh();
wholeRun();
