// Memory over time: resident memory and the tracked blocks, with the peak marked.
import uPlot from "uplot";
import { themeColour } from "../theme";
import { Capture } from "./capture";
import { estimate, seconds, size } from "./words";

const HEIGHT = 164, ABOVE = 18; // above the curves: the peak's label

type Points = Capture["series"];
interface Peak { name: string; time: number; rss: number; heap: number }

/** A damaged capture's times may be in any order. */
function ordered(series: Points): Points {
  const points: Points = [];
  for (const point of series)
    if (point[0] >= 0 && !(point[0] <= (points[points.length - 1]?.[0] ?? -1))) points.push(point);
  return points;
}

function peakOf({ processes, counted, peak_time: time }: Capture, points: Points): Peak {
  const several = processes > 1; // the sum of their peaks was never there
  const [, rss] = points.reduce((best, point) => (Math.abs(point[0] - time) < Math.abs(best[0] - time) ? point : best));
  return { name: several ? "most together" : "peak", time, rss, heap: several ? Math.max(...points.map((point) => point[2])) : counted.peak };
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
  label, stroke: () => themeColour(colour), width: 1.5, points: { show: false }, spanGaps: true,
  fill: fill ? () => themeColour(fill) : undefined, paths: fill ? steps : undefined,
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
  note.textContent = "Tracked blocks stand above RSS where they are allocated but not resident: never written to, or swapped out.";
  place.append(note);
}

/** Returns what redraws it, in new colours or a new width; nothing without a series. */
export function timeline(place: HTMLElement, capture: Capture): () => void {
  const series = ordered(capture.series), sized = (bytes: number): string => estimate(bytes, capture.sample);
  if (series.length < 2) {
    place.parentElement!.hidden = true;
    return () => undefined;
  }
  const points: [number, number | null, number][] = [...series];
  const peak = peakOf(capture, series), before = points.filter((point) => point[0] < capture.peak_time).length;
  if (capture.processes === 1 && before && points[before]?.[0] !== capture.peak_time) // samples miss its moment
    points.splice(before, 0, [peak.time, null, peak.heap]);
  const rss = points.map((point) => point[1]), heap = points.map((point) => point[2]);
  const top = Math.max(...series.map((point) => Math.max(point[1], point[2])), ...heap) * 1.06;
  const u = new uPlot({
    width: Math.max(200, place.clientWidth), height: HEIGHT, padding: [ABOVE, null, null, null],
    scales: { x: { time: false, range: [0, points[points.length - 1][0] || 0.001] }, y: { range: [0, top] } },
    axes: [axis((t) => `${+t.toFixed(6)} s`, 80, 30), { ...axis(size, 30, 74), splits: binarySplits }],
    series: [
      { label: "time", value: (_, t, __, idx) => (idx == null ? `${seconds(peak.time)} (${peak.name})` : seconds(t)) },
      memory("resident memory (RSS)", told(size, peak.rss), "--soft"), memory("tracked blocks", told(sized, peak.heap), "--curve", "--under"),
    ],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    hooks: { draw: [(self) => markPeak(self, peak, `${peak.name} ${sized(peak.heap)}`)] },
  }, [points.map((point) => point[0]), rss, heap], place);
  explain(place, series, capture.sample);
  return () => u.setSize({ width: Math.max(200, place.clientWidth), height: HEIGHT });
}
