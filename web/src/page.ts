// The page of `mprof plot`: a curve to zoom and hover, functions, children, a legend of switches.
import uPlot from "uplot";
import { Words } from "./apart";
import { across, brackets, colour, colourBeside, line, stems, top } from "./draw";
import { Call, Child, duration, ending, Figure, highest, Lane, mib, percent, Points, rate, Run, seconds, signed, valueAt } from "./figure";
import { drawGaps, drawKills, incidentFacts, incidentsAt } from "./incidents";
import { KEYS, listen, WORDS } from "./keys";
import { Box, boxAt, drawLanes, lanesHeight, layOut } from "./lanes";
import { group, Item } from "./legend";
import { manual } from "./manual";
import { cpuAxis, memoryAxis, timeAxis } from "./scales";
import { peakOf, spentIn } from "./spending";
import { onTheme, themeColour } from "./theme";
import { columnAt, describeLane, drawBand, drawMembers, laneAt, wholeFacts } from "./whole";

const CHILDREN_AT_FIRST = 24, CALLS_IN_TIP = 8, LINES_IN_TIP = 32, RUNS_IN_HEADER = 6, TREND_FROM = 60;

const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const figure: Figure = JSON.parse(byId("data").textContent ?? "");
const { runs, whole } = figure, main = runs[0], several = runs.length > 1 || !!whole; // functions are those of one
const stage = byId("stage"), place = byId("plot"), tip = byId("tip"), lanes = byId<HTMLCanvasElement>("lanes");
const members = byId("members"), memberLanes = members.querySelector("canvas")!, counted = whole?.start ?? (several ? null : main.start);

const nameOf = (run: Run): string => run.who ?? run.file;
const date = (at: number): string => new Date(at * 1000).toLocaleString();
const shadeOf = (i: number): string => (i ? colour(i) : "var(--curve)");
const paintOf = (i: number): string => (i ? colour(i) : themeColour("--curve"));
const runItems: Item[] = runs.map((run, i) => ({
  key: `run ${i}`, name: several ? nameOf(run) : "memory", fact: mib(run.peak), colour: shadeOf(i), on: true,
}));
const extras: Item[] = [];
const extra = (key: string, name: string, fact: string, shade: string, wanted: boolean): Item => {
  const item = { key, name, fact: several ? "" : fact, colour: shade, on: wanted };
  if (wanted) extras.push(item);
  return item;
};
const markWords = (run: Run): string => (run.bounds ? "at most" : "peak");
const marks = extra("marks", runs.every((run) => run.bounds) ? "at most, between samples"
  : runs.some((run) => run.bounds) ? "peaks, or at most, between samples" : "peaks between samples", "", "var(--mark)",
  runs.some((run) => run.marks.t.length > 0));
const peak = extra("peak", several ? "peaks" : "peak", mib(main.peak), several ? "var(--soft)" : "var(--limit)", true);
const controlGroup = extra("group", "control group", "", "var(--group)", runs.some((run) => run.group.t.length > 0));
const band = extra("band", "all: lowest, median, highest", "", "var(--soft)", !!whole);
const limit = extra("limit", "limit", main.limit == null ? "" : mib(main.limit), "var(--limit)", runs.some((run) => run.limit != null));
const cpu = extra("cpu", "CPU", `${percent(main.mean_cpu ?? 0)} on average`, "var(--cpu)", runs.some((run) => run.cpu.t.length > 0));
const kills = extra("kills", "killed for memory", "", "var(--limit)", runs.some((run) => run.kills.length > 0));
/** Of seconds it says how a program starts, not whether it grows. */
const saysTrend = figure.slope || runs.some((run) => run.to - run.from >= TREND_FROM);
const slope = extra("slope", "trend", rate(main), "var(--soft)", saysTrend);
slope.on = figure.slope;
limit.on = limit.on && runs.some((run) => run.limit != null && run.limit < 4 * run.peak);
/** Calls and what they did to memory, written out. */
function spent(i: number): string[] {
  const { entry, peak: most, kept, calls, seconds: time } = spentIn(main, main.functions[i]);
  return [`${calls === 1 ? "1 call" : `${calls.toLocaleString("en-US")} calls`}, ${seconds(time)}${calls === 1 ? "" : " in all"}`,
    `entry ${mib(entry)}, peak ${mib(most)}`, `kept ${signed(kept)}`];
}
const functionItems: Item[] = main.functions.map((f, i) => ({
  key: `function ${f.name}`, name: f.label, colour: colour(i), on: true, fact: "", more: spent(i),
}));
/** Of all recordings; a part of the process itself has no number of its own. */
const byCommand = (run: Run): Child[] => {
  const most = new Map<string, number>();
  for (const { name, peak: its } of run.children) most.set(name, Math.max(its, most.get(name) ?? 0));
  return [...run.children].sort((a, b) => (most.get(b.name)! - most.get(a.name)!) || a.name.localeCompare(b.name) || b.peak - a.peak);
};
const children = runs.flatMap((run, i) => byCommand(run).map((child) => ({
  child, run: i, name: [several ? `${nameOf(run)}:` : "", child.name, child.pid || ""].filter(Boolean).join(" "),
})));
const commands = [...new Set(children.map(({ child }) => child.name))];
/** One for each command; where all children run the same, one for each. */
const childColours = children.map(({ child }, i) => colourBeside((commands.length > 1 ? commands.indexOf(child.name) : i) + runs.length));
const highestChildren = new Set([...children].sort((a, b) => b.child.peak - a.child.peak).slice(0, CHILDREN_AT_FIRST));
const childItems: Item[] = children.map((one, i) => ({
  key: `child ${several ? `${one.run} ` : ""}${one.child.pid}`, name: one.name, fact: mib(one.child.peak), colour: childColours[i], on: highestChildren.has(one),
}));

let flame = true, boxes: Box[] = [], rows = 0;

function shownCurves(): Points[] {
  const shown = runs.filter((_, i) => runItems[i].on).map((run) => run.curve);
  if (marks.on) shown.push(...runs.filter((_, i) => runItems[i].on).map((run) => run.marks));
  if (controlGroup.on) shown.push(...runs.filter((_, i) => runItems[i].on).map((run) => run.group));
  shown.push(...children.filter((_, i) => childItems[i].on).map(({ child }) => child.curve));
  return shown;
}

function heightRange(u: uPlot): [number, number] {
  const { min, max } = u.scales.x;
  let top = 0;
  for (const points of shownCurves()) top = Math.max(top, highest(points, min ?? 0, max ?? 0));
  if (band.on) for (const value of whole?.all.high ?? []) top = Math.max(top, value ?? 0);
  if (limit.on) runs.forEach((run, i) => { if (runItems[i].on) top = Math.max(top, run.limit ?? 0); });
  return [0, (top || 1) * 1.06];
}

const measuresCpu = extras.includes(cpu);
const busiest = Math.max(1, ...runs.map((run) => highest(run.cpu, -Infinity, Infinity)));

/** Of each run and, dotted, of its children, on the scale to the right. */
function drawCpu(u: uPlot): void {
  children.forEach(({ child, run }, i) => runItems[run].on && childItems[i].on && line(u, child.cpu, childColours[i], 1, [1, 3], "cpu"));
  runs.forEach((run, i) => runItems[i].on && line(u, run.cpu, several ? paintOf(i) : themeColour("--cpu"), 1, several ? [3, 2] : [], "cpu"));
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
  runs.forEach((run, i) => runItems[i].on && drawGaps(u, run, themeColour("--line")));
  if (measuresCpu && cpu.on) drawCpu(u);
  if (whole && band.on) drawBand(u, whole, themeColour("--soft"));
  children.forEach(({ child }, i) => childItems[i].on && line(u, child.curve, childColours[i], 1));
  runs.forEach((run, i) => {
    if (!runItems[i].on) return;
    const base = (t: number): number => valueAt(run.curve, t) ?? 0;
    if (marks.on) stems(u, run.marks, base, themeColour("--mark"));
    line(u, run.curve, paintOf(i), 1.5);
    if (slope.on) trend(u, run.intercept, run.slope, several ? paintOf(i) : themeColour("--soft"));
    if (controlGroup.on) line(u, run.group, themeColour("--group"), 1.2);
    if (limit.on && run.limit != null) across(u, run.limit, themeColour("--limit"));
  });
  const placed = new Words();
  runs.forEach((run, i) => runItems[i].on && kills.on && drawKills(u, run, themeColour("--limit"), placed));
  runs.forEach((run, i) => {
    const words = whole && run.peak < whole.all.peak ? "" : `${several && !whole && runs.length <= RUNS_IN_HEADER ? `${nameOf(run)}: ` : ""}peak ${mib(run.peak)}`;
    if (runItems[i].on && peak.on) top(u, run.peak_time, run.peak, words, several ? paintOf(i) : themeColour("--limit"), placed);
  });
  if (!flame) main.functions.forEach((f, i) => functionItems[i].on && brackets(u, f.calls, colour(i)));
  ctx.restore();
  if (flame && main?.functions.length) drawLanes(lanes, u, boxes, main.functions, themeColour("--ink"));
  if (whole) drawMembers(memberLanes, u, whole, laneShade, {
    ink: themeColour("--ink"), soft: themeColour("--soft"), line: themeColour("--line"), limit: themeColour("--limit"), curve: themeColour("--curve") });
}

/** A lane of one that has a curve is as that is. */
function laneShade(lane: Lane): string {
  const at = lane.members > 1 ? -1 : runs.findIndex((run) => run.file === lane.file);
  return at < 0 ? themeColour("--soft") : paintOf(at);
}

function callsAt(t: number): string[] {
  const open: { level: number; text: string }[] = [];
  main.functions.forEach((f, i) => {
    if (!functionItems[i].on) return;
    for (const call of f.calls)
      if (call[0] <= t && t <= call[2])
        open.push({ level: call[4], text: `${f.label}  ${seconds(call[2] - call[0])}${call[5] ? ", not returned" : `, kept ${signed(call[3] - call[1])}`}` });
  });
  open.sort((a, b) => a.level - b.level);
  const lines = open.slice(0, CALLS_IN_TIP).map((entry) => `${"  ".repeat(entry.level)}${entry.text}`);
  if (open.length > CALLS_IN_TIP) lines.push(`and ${open.length - CALLS_IN_TIP} more`);
  return lines;
}

/** To the sample where that is what one looks for. */
const when = (t: number): string => (t < 120 ? `${t.toFixed(4)} s` : duration(t));

function nearestMark(run: Run, t: number, reach: number): number | null {
  const { t: times, m } = run.marks;
  let best: number | null = null;
  for (let i = 0; i < times.length; i++)
    if (Math.abs(times[i] - t) <= reach && (best == null || (m[i] ?? 0) > best)) best = m[i];
  return best;
}

function cpuOf({ cpu: points }: Child, t: number): string {
  const busy = valueAt(points, t);
  return busy == null ? "" : `, CPU ${percent(busy)}`;
}

function describe(u: uPlot, t: number): string {
  const lines = [`${when(t)}${counted == null ? "" : `  (${date(counted + t)})`}`], reach = u.posToVal(4, "x") - u.posToVal(0, "x");
  if (whole && band.on && columnAt(whole, whole.all.median, t) != null)
    lines.push(`all: ${["low", "median", "high"].map((key) => mib(columnAt(whole, whole.all[key as "low" | "median" | "high"], t) ?? 0)).join(" \u2026 ")}`);
  runs.forEach((run, i) => {
    const whose = several ? `${nameOf(run)}: ` : "", inside = !several || t <= run.to;
    const value = runItems[i].on && inside ? valueAt(run.curve, t) : null, mark = runItems[i].on && marks.on ? nearestMark(run, t, reach) : null;
    if (value != null) lines.push(`${whose}${mib(value)}`);
    if (mark != null) lines.push(`${whose}${markWords(run)} ${mib(mark)}`);
    const busy = runItems[i].on && cpu.on && inside ? valueAt(run.cpu, t) : null;
    if (busy != null) lines.push(`${whose}CPU ${percent(busy)}`);
    if (runItems[i].on) lines.push(...incidentsAt(run, t, reach).map((words) => `${whose}${words}`));
  });
  children.forEach(({ child, name }, i) => {
    const inside = t >= child.curve.t[0] && t <= child.curve.t[child.curve.t.length - 1];
    const value = childItems[i].on && inside ? valueAt(child.curve, t) : null;
    if (value != null && lines.length < LINES_IN_TIP) lines.push(`${name}: ${mib(value)}${cpu.on ? cpuOf(child, t) : ""}`);
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

const longest = whole?.to ?? Math.max(...runs.map((run) => run.to)), earliest = whole?.from ?? Math.min(...runs.map((run) => run.from));
const u = new uPlot({
  width: 600, height: 400, legend: { show: false },
  scales: {
    x: { time: false, range: (_, low, high) => low == null || low === high ? [earliest, Math.max(longest, earliest + 0.001)] : [low, high] },
    y: { range: (self) => heightRange(self) },
    ...(measuresCpu && { cpu: { range: (): [number, number] => [0, 1.06 * busiest] } }),
  },
  axes: [timeAxis(counted), memoryAxis([...new Set(runs.map((run) => run.metric.toUpperCase()))].join(", ")), ...(measuresCpu ? [cpuAxis()] : [])],
  series: [{}, { stroke: "transparent", points: { show: false } },
    ...(measuresCpu ? [{ scale: "cpu", stroke: "transparent", points: { show: false } }] : [])],
  cursor: { y: false, drag: { x: true, y: false }, points: { show: false } },
  hooks: { draw: [drawAll], setCursor: [hover] },
}, [[earliest, Math.max(longest, earliest + 0.001)], [0, Math.max(...runs.map((run) => run.peak))],
  ...(measuresCpu ? [[0, busiest]] : [])], place);

function refresh(): void {
  ({ boxes, rows } = layOut(main.functions, (i) => functionItems[i].on));
  lanes.hidden = !flame || !rows;
  lanes.style.height = `${lanesHeight(rows)}px`;
  byId("flame").setAttribute("aria-pressed", String(flame));
  byId("flame").hidden = !main.functions.length;
  u.setSize({ width: place.clientWidth, height: Math.max(160, stage.clientHeight - (lanes.hidden ? 0 : lanesHeight(rows)) - members.offsetHeight) });
  const { min, max } = u.scales.x;
  if (min != null && max != null) u.setScale("x", { min, max });
  u.redraw(false, true);
}

function wholeRun(): void {
  u.setScale("x", { min: earliest, max: Math.max(longest, earliest + 0.001) });
}

/** The wheel zooms around the pointer. */
function zoomWheel(event: WheelEvent): void {
  event.preventDefault();
  zoom(event.deltaY < 0 ? 0.75 : 1 / 0.75);
}

/** A call: its memory when it began, at most, and what it kept. */
function describeCall(call: Call): string {
  const [t0, m0, t1, m1, , open, pid, thread] = call;
  return [`from ${when(t0)}, for ${seconds(t1 - t0)}${open ? ", not returned" : ""}`,
    `entry ${mib(m0)}, peak ${mib(peakOf(main, call))}${open ? "" : `, kept ${signed(m1 - m0)}`}`,
    pid ? `process ${pid}, thread ${thread}` : ""].filter(Boolean).join("\n");
}

function hoverLane(event: MouseEvent): void {
  const box = boxAt(boxes, u, event.offsetX, event.offsetY);
  if (!box) return void (tip.hidden = true);
  showTip(`${main.functions[box.func].name}\n${describeCall(box.call)}`, event.offsetX, lanes.offsetTop - 86);
}

function summary(run: Run): string {
  const facts = [`peak ${mib(run.peak)} at ${seconds(run.peak_time)}`, `${seconds(run.to - run.from)}`, `${run.samples} samples`, date(run.start)];
  if (run.late) facts.push(`${run.late} ${run.late === 1 ? "sample" : "samples"} missed`);
  if (run.unsampled > 0) facts.push(`${run.unsampled} ${run.unsampled === 1 ? "process" : "processes"} too short to sample`);
  if (run.calls_left_out) facts.push(`${run.calls_left_out} shortest calls left out`);
  facts.push(...incidentFacts(run));
  if (ending(run)) facts.push(ending(run));
  return facts.join(" \u00b7 ");
}

/** A line for each recording, in its colour. */
function summaries(at: HTMLElement): void {
  if (whole) return void (at.textContent = [...wholeFacts(whole), duration(whole.to - whole.from), date(whole.start)].join(" \u00b7 "));
  if (!several) return void (at.textContent = summary(main));
  runs.slice(0, RUNS_IN_HEADER).forEach((run, i) => {
    const row = document.createElement("span"), swatch = document.createElement("span"), name = document.createElement("b");
    row.className = "run";
    swatch.className = "swatch";
    swatch.style.background = shadeOf(i);
    name.textContent = run.file;
    row.append(swatch, name, summary(run));
    at.append(row);
  });
  if (runs.length > RUNS_IN_HEADER) at.append(`and ${runs.length - RUNS_IN_HEADER} more, in the legend`);
}

document.title = byId("title").textContent = figure.title ?? (several ? `${(whole?.members ?? runs.length).toLocaleString("en-US")} recordings` : main.command ?? main.file);
summaries(byId("summary"));
const legend = byId("legend");
group(legend, whole && whole.members > runs.length ? `unlike the others, ${runs.length} of ${whole.members.toLocaleString("en-US")}` : several ? "recordings" : "memory", [...runItems, ...extras], refresh);
group(legend, "functions", functionItems, refresh);
group(legend, children.some(({ child }) => child.pid) ? "children" : "of which", childItems, refresh);
const turnLanes = (): void => { flame = !flame; refresh(); };
byId("flame").addEventListener("click", turnLanes);
byId("reset").addEventListener("click", wholeRun);
const dialog = byId<HTMLDialogElement>("manual");
manual(dialog, byId("help"), KEYS, WORDS);
place.setAttribute("aria-label", `memory over time: ${whole ? wholeFacts(whole).join(", ") : runs.slice(0, RUNS_IN_HEADER).map((run) => `${run.file}, ${summary(run)}`).join("; ")}`);
lanes.setAttribute("aria-label", `calls of ${functionItems.length} functions over time, one lane for each level`);

/** A part of the window to the left or right; the pointer of the keyboard, or the window itself. */
function point(share: number): void {
  const { width } = u.over.getBoundingClientRect(), at = (u.cursor.left ?? -1) < 0 ? width / 2 : u.cursor.left!;
  u.setCursor({ left: Math.max(0, Math.min(width - 1, at + share * width)), top: u.over.clientHeight / 3 });
  byId("told").textContent = tip.textContent;
}

function shift(share: number): void {
  const { min, max } = u.scales.x;
  if (min == null || max == null) return;
  const by = Math.max(earliest - min, Math.min(longest - max, share * (max - min)));
  u.setScale("x", { min: min + by, max: max + by });
}

function zoom(factor: number): void {
  const { min, max } = u.scales.x;
  if (min == null || max == null) return;
  const at = (u.cursor.left ?? -1) < 0 ? (min + max) / 2 : u.posToVal(u.cursor.left!, "x");
  u.setScale("x", { min: Math.max(earliest, at - (at - min) * factor), max: Math.min(longest, at + (max - at) * factor) });
}

function turn(item: Item): void {
  const box = document.querySelector<HTMLInputElement>(`[data-key="${item.key}"] input`);
  if (box) box.click();
}
listen({ point, shift, zoom, whole: wholeRun, lanes: turnLanes, trend: () => turn(slope), peak: () => turn(peak) }, dialog);
onTheme(byId("theme"), () => u.redraw(false, true));
u.over.addEventListener("wheel", zoomWheel, { passive: false });
u.over.addEventListener("dblclick", wholeRun);
lanes.addEventListener("mousemove", hoverLane);
if (whole) {
  members.hidden = false;
  memberLanes.setAttribute("aria-label", `${whole.lanes.length} lanes: ${whole.lanes.map(({ name, peak: its }) => `${name}, peak ${mib(its)}`).join("; ")}`);
  memberLanes.addEventListener("mousemove", (event) => {
    const lane = laneAt(whole, event.offsetY);
    if (!lane) return void (tip.hidden = true);
    const t = u.posToVal(event.offsetX - u.bbox.left / devicePixelRatio, "x");
    showTip(describeLane(whole, lane, t, when), event.offsetX, Math.max(0, members.offsetTop - members.scrollTop + event.offsetY - 110));
  });
  memberLanes.addEventListener("mouseleave", () => { tip.hidden = true; });
}
lanes.addEventListener("mouseleave", () => { tip.hidden = true; });
Object.assign(place, { uPlot: u }); // for who looks at the page from outside
new ResizeObserver(refresh).observe(stage);
refresh();
wholeRun();
