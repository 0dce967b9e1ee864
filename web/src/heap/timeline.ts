// Memory over time: resident memory and the tracked blocks, with the peak marked.
import uPlot from "uplot";
import { themeColour } from "../theme";
import { Capture, Instant } from "./capture";
import { Chosen, whenOf } from "./moments";
import { estimate, seconds, size } from "./words";

const HEIGHT = 164, ABOVE = 18, CLICK = 4, PULL = 8; // above the curves: the peak's label

type Points = Capture["series"];
interface Peak { name: string; time: number; rss: number; heap: number }

/** A damaged capture's times may be in any order; two of one moment are a change then. */
function ordered(series: Points): Points {
  const points: Points = [];
  for (const point of series)
    if (point[0] >= 0 && !(point[0] < (points[points.length - 1]?.[0] ?? 0))) points.push(point);
  return points;
}

function peakOf({ processes, counted, peak_time: time }: Capture, points: Points): Peak {
  const several = processes > 1; // the sum of their peaks was never there
  const most = points.reduce((best, point) => (point[2] > best[2] || (point[2] === best[2] && point[1] > best[1]) ? point : best));
  return { name: several ? "most together" : "peak", time, rss: most[1], heap: several ? most[2] : counted.peak };
}

function markPeak(u: uPlot, peak: Peak, text: string): void {
  const { ctx, bbox } = u, x = u.valToPos(peak.time, "x", true), y = u.valToPos(peak.heap, "y", true);
  const scale = devicePixelRatio, above = bbox.top - (ABOVE - 2) * scale;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = themeColour("--mark");
  ctx.lineWidth = scale;
  ctx.setLineDash([4 * scale, 3 * scale]);
  ctx.beginPath();
  ctx.moveTo(x, above);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.beginPath();
  ctx.arc(x, y, 3 * scale, 0, 2 * Math.PI);
  ctx.fill();
  ctx.font = `${12 * scale}px system-ui, sans-serif`;
  ctx.textBaseline = "top";
  const right = x + ctx.measureText(text).width + 10 * scale < bbox.left + bbox.width;
  ctx.textAlign = right ? "left" : "right";
  ctx.setLineDash([]);
  ctx.fillText(text, x + (right ? 6 : -6) * scale, above);
  ctx.restore();
}

const axis = (values: (value: number) => string, space: number, room: number): uPlot.Axis => ({
  stroke: () => themeColour("--soft"), size: room, space,
  grid: { stroke: () => themeColour("--line"), width: 1 }, ticks: { stroke: () => themeColour("--line"), width: 1 },
  values: (_, splits) => splits.map(values),
});

const steps = uPlot.paths.stepped?.({ align: 1 });

/** A figure of the legend: where the pointer is, or at the peak. */
const told = (text: (value: number) => string, peak: number): uPlot.Series.Value =>
  (_, value, __, idx) => {
    const shown = idx == null ? peak : value;
    return shown == null ? "\u2013" : text(shown);
  };

const memory = (label: string, value: uPlot.Series.Value, colour: string, fill?: string): uPlot.Series => ({
  label, stroke: () => themeColour(colour), width: 1.5, points: { show: false },
  fill: fill ? () => themeColour(fill) : undefined, paths: steps, // a point stands until the next
  value,
});

/** Binary steps: 1, 2, 4 ... MiB read better than 10,000,000 bytes. */
function binarySplits(_: uPlot, __: number, low: number, high: number): number[] {
  let step = 1024;
  while ((high - low) / step > 4) step *= 2;
  const splits = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) splits.push(at);
  return splits;
}

/** What the plot cannot show: why blocks may stand above what is in memory. */
function explain(place: HTMLElement, points: Points, sample: number): void {
  if (!points.some(([, rss, heap]) => rss > 0 && heap - Math.sqrt(sample * heap) > rss)) return;
  const note = document.createElement("p");
  note.textContent = "Tracked blocks stand above RSS where they are allocated but not resident: not yet or never written to, or swapped out. RSS is what was last read.";
  place.append(note);
}

/** The instant nearest to a place, marks before others that lie beside them. */
function nearest(u: uPlot, instants: Instant[], left: number): number {
  const far = ({ time, kind }: Instant): number => Math.abs(u.valToPos(time, "x") - left) - (kind === "mark" ? PULL : 0);
  return instants.reduce((found, instant, i) => (far(instant) < far(instants[found]) ? i : found), 0);
}

/** Marks with their names, a tick for each moment, and what is chosen. */
function drawInstants(u: uPlot, instants: Instant[], chosen: Chosen | null): void {
  const { ctx, bbox } = u, scale = devicePixelRatio, bottom = bbox.top + bbox.height, x = (at: number): number => u.valToPos(instants[at].time, "x", true);
  ctx.save();
  ctx.font = `${12 * scale}px system-ui, sans-serif`;
  ctx.lineWidth = scale;
  const names: [string, number][] = [];
  let free = bbox.left;
  instants.forEach(({ kind, name }, i) => {
    const isMark = kind === "mark", at = x(i);
    ctx.strokeStyle = ctx.fillStyle = themeColour(isMark ? "--group" : "--soft");
    ctx.beginPath();
    ctx.moveTo(at, isMark ? bbox.top : bottom - 5 * scale);
    ctx.lineTo(at, bottom);
    ctx.stroke();
    const width = ctx.measureText(name).width + 8 * scale, left = Math.min(at, bbox.left + bbox.width - width);
    if (!isMark || left < free) return;
    names.push([name, left]);
    free = left + width;
  });
  if (chosen) drawChosen(u, x(chosen.from ?? chosen.to), x(chosen.to));
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  for (const [name, left] of names) { // above the curves
    ctx.fillStyle = themeColour("--back");
    ctx.globalAlpha = 0.8;
    ctx.fillRect(left + scale, bbox.top + scale, ctx.measureText(name).width + 6 * scale, 15 * scale);
    ctx.globalAlpha = 1;
    ctx.fillStyle = themeColour("--group");
    ctx.fillText(name, left + 4 * scale, bbox.top + 2 * scale);
  }
  ctx.restore();
}

function drawChosen({ ctx, bbox }: uPlot, from: number, to: number): void {
  ctx.fillStyle = themeColour("--under");
  ctx.fillRect(Math.min(from, to), bbox.top, Math.abs(to - from), bbox.height);
  ctx.strokeStyle = themeColour("--ink");
  ctx.lineWidth = 2 * devicePixelRatio;
  for (const at of new Set([from, to])) {
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
  }
}

type Choose = (chosen: Chosen | null) => void;

/** Arrow keys from moment to moment, with Shift as a range; Escape leaves them. */
function listen(place: HTMLElement, instants: Instant[], now: () => Chosen | null, choose: Choose): void {
  place.addEventListener("keydown", (event) => {
    const chosen = now(), last = instants.length - 1, step = { ArrowLeft: -1, ArrowRight: 1, Home: -last, End: last }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || (!step && (event.key !== "Escape" || !chosen))) return;
    event.preventDefault();
    event.stopPropagation();
    if (!step) return choose(null);
    const at = chosen?.to ?? instants.findIndex(({ kind }) => kind === "peak"), to = Math.max(0, Math.min(last, at + step));
    const from = event.shiftKey ? chosen?.from ?? at : null;
    choose({ from: from === to ? null : from, to });
  });
}

/** What a screen reader says of it. */
function tell(place: HTMLElement, instants: Instant[], chosen: Chosen | null): void {
  const at = chosen?.to ?? instants.findIndex(({ kind }) => kind === "peak"), from = chosen?.from ?? null;
  place.setAttribute("aria-valuenow", String(at));
  place.setAttribute("aria-valuetext", `${from === null ? "" : `${whenOf(instants[from])} to `}${whenOf(instants[at])}, ${size(instants[at].live)}`);
}

function putHint(place: HTMLElement, text: string): void {
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = text;
  place.append(hint);
}

function makeSlider(place: HTMLElement, instants: Instant[]): void {
  putHint(place, "Click a moment to see its heap; drag to see what grew. Arrow keys here go from moment to moment, with Shift as a range.");
  place.tabIndex = 0;
  for (const [name, value] of [["role", "slider"], ["aria-label", "moment"], ["aria-valuemin", "0"], ["aria-valuemax", String(instants.length - 1)]]) place.setAttribute(name, value);
}

/** Returns what redraws it, in new colours or a new width, and what shows a choice; nothing without a series. */
export function timeline(place: HTMLElement, capture: Capture, choose: Choose): [() => void, Choose] {
  const series = ordered(capture.series), { instants } = capture, sized = (bytes: number): string => estimate(bytes, capture.sample);
  let chosen: Chosen | null = null;
  if (series.length < 2) {
    place.parentElement!.hidden = true;
    return [() => undefined, () => undefined];
  }
  const peak = peakOf(capture, series), [times, rss, heap] = [0, 1, 2].map((part) => series.map((point) => point[part]));
  const top = Math.max(peak.heap, ...rss, ...heap) * 1.06, isControl = instants.length > 0;
  const pick = (u: uPlot, left: number, width: number): void => {
    const [a, b] = [left, left + width].map((at) => nearest(u, instants, at));
    choose({ from: width < CLICK || a === b ? null : a, to: b });
  };
  const u = new uPlot({
    width: Math.max(200, place.clientWidth), height: HEIGHT, padding: [ABOVE, null, null, null],
    scales: { x: { time: false, range: [0, times[times.length - 1] || 0.001] }, y: { range: [0, top] } },
    axes: [axis((t) => `${+t.toFixed(6)} s`, 80, 30), { ...axis(size, 30, 74), splits: binarySplits }],
    series: [
      { label: "time", value: (_, t, __, idx) => (idx == null ? `${seconds(peak.time)} (${peak.name})` : seconds(t)) },
      memory("resident memory (RSS)", told(size, peak.rss), "--soft"), memory(capture.reserved ? `tracked blocks (${size(capture.reserved)} reserved, not in memory)` : "tracked blocks", told(sized, peak.heap), "--curve", "--under"),
    ],
    cursor: { y: false, drag: { x: isControl, y: false, setScale: false }, points: { size: 6 } },
    hooks: {
      draw: [(self) => { markPeak(self, peak, `${peak.name} ${sized(peak.heap)}`); drawInstants(self, instants, chosen); }],
      setSelect: [(self) => {
        const { left, width } = self.select;
        if (width < CLICK) return;
        self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        pick(self, left, width);
      }],
    },
  }, [times, rss, heap], place);
  Object.assign(place, { uPlot: u }); // for who looks at the page from outside
  explain(place, series, capture.sample);
  if (isControl) {
    let down = 0;
    u.over.addEventListener("mousedown", (event) => { down = event.clientX; });
    u.over.addEventListener("click", (event) => {
      if (Math.abs(event.clientX - down) < CLICK) pick(u, event.clientX - u.over.getBoundingClientRect().left, 0);
    });
    makeSlider(place, instants);
    listen(place, instants, () => chosen, choose);
    tell(place, instants, null);
  } else putHint(place, capture.processes > 1
    ? "A page with moments is of one process: mprof flamegraph --no-children makes that of the first, mprof flamegraph CAPTURE.PID that of a child."
    : "There are no moments: the run was too short, or inside another recording, or MPROF_MOMENTS was 0.");
  const show: Choose = (next) => {
    chosen = next;
    if (isControl) tell(place, instants, next);
    u.redraw();
  };
  return [() => u.setSize({ width: Math.max(200, place.clientWidth), height: HEIGHT }), show];
}
