// Memory over time: resident memory and the tracked blocks, with the peak marked.
import uPlot from "uplot";
import { themeColour } from "../theme";
import { Capture } from "./capture";
import { seconds, size } from "./words";

const HEIGHT = 150;

function markPeak(u: uPlot, capture: Capture): void {
  const several = capture.processes > 1; // the sum of their peaks was never there
  const peak = several ? Math.max(...capture.series.map((point) => point[2])) : capture.counted.peak;
  const { ctx, bbox } = u, x = u.valToPos(capture.peak_time, "x", true), y = u.valToPos(peak, "y", true);
  const scale = devicePixelRatio, text = `${several ? "most together" : "peak"} ${size(peak)}`;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = themeColour("--mark");
  ctx.lineWidth = scale;
  ctx.setLineDash([4 * scale, 3 * scale]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
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
  ctx.strokeStyle = themeColour("--back");
  ctx.lineWidth = 4 * scale;
  ctx.strokeText(text, x + (right ? 6 : -6) * scale, bbox.top + 2 * scale);
  ctx.fillText(text, x + (right ? 6 : -6) * scale, bbox.top + 2 * scale);
  ctx.restore();
}

const axis = (values: (value: number) => string, space: number, room: number): uPlot.Axis => ({
  stroke: () => themeColour("--soft"), size: room, space,
  grid: { stroke: () => themeColour("--line"), width: 1 }, ticks: { stroke: () => themeColour("--line"), width: 1 },
  values: (_, splits) => splits.map(values),
});

const steps = uPlot.paths.stepped?.({ align: 1 });

const memory = (label: string, colour: string, fill?: string): uPlot.Series => ({
  label, stroke: () => themeColour(colour), width: 1.5, points: { show: false }, spanGaps: true,
  fill: fill ? () => themeColour(fill) : undefined, paths: fill ? steps : undefined,
  value: (_, bytes) => (bytes == null ? "\u2013" : size(bytes)),
});

/** Binary steps: 1, 2, 4 ... MiB read better than 10,000,000 bytes. */
function binarySplits(_: uPlot, __: number, low: number, high: number): number[] {
  let step = 1024;
  while ((high - low) / step > 4) step *= 2;
  const splits = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) splits.push(at);
  return splits;
}

/** Returns what redraws it, in new colours or a new width; nothing without a series. */
export function timeline(place: HTMLElement, capture: Capture): () => void {
  const { counted } = capture, series: Capture["series"] = [];
  for (const point of capture.series) // a damaged capture's times may be in any order
    if (point[0] >= 0 && !(point[0] <= (series[series.length - 1]?.[0] ?? -1))) series.push(point);
  if (series.length < 2) {
    place.parentElement!.hidden = true;
    return () => undefined;
  }
  const points: [number, number | null, number][] = [...series];
  const before = points.filter((point) => point[0] < capture.peak_time).length;
  if (capture.processes === 1 && before && points[before]?.[0] !== capture.peak_time) // samples miss its moment
    points.splice(before, 0, [capture.peak_time, null, counted.peak]);
  const rss = points.map((point) => point[1]), heap = points.map((point) => point[2]);
  const top = Math.max(...series.map((point) => Math.max(point[1], point[2])), ...heap) * 1.12;
  const u = new uPlot({
    width: Math.max(200, place.clientWidth), height: HEIGHT,
    scales: { x: { time: false, range: [0, points[points.length - 1][0] || 0.001] }, y: { range: [0, top] } },
    axes: [axis((t) => `${+t.toFixed(6)} s`, 80, 30), { ...axis(size, 30, 74), splits: binarySplits }],
    series: [{ label: "time", value: (_, t) => (t == null ? "\u2013" : seconds(t)) }, memory("resident memory (RSS)", "--soft"), memory("tracked blocks", "--curve", "--under")],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    hooks: { draw: [(self) => markPeak(self, capture)] },
  }, [points.map((point) => point[0]), rss, heap], place);
  return () => u.setSize({ width: Math.max(200, place.clientWidth), height: HEIGHT });
}
