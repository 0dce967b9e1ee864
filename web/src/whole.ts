// Many recordings on one clock: a band of all, and a lane for each, or for each host and those unlike the others.
import type uPlot from "uplot";
import { Lane, mib, Whole } from "./figure";

const ROW = 20, LEFT = 6, PART = 0.3, MEDIAN = 0.75;

const widthOf = (whole: Whole): number => (whole.to - whole.from) / whole.columns;

/** What a lane's columns have at a time; null where there are no samples. */
export function columnAt(whole: Whole, columns: (number | null)[] | null, t: number): number | null {
  const at = Math.floor((t - whole.from) / widthOf(whole));
  return columns?.[t === whole.to ? whole.columns - 1 : at] ?? null;
}

/** The steps of some columns as a path from the ground, or from others below them; broken where there are none. */
function area(u: uPlot, whole: Whole, upper: (number | null)[], height: (value: number) => number, floor: (i: number) => number): Path2D {
  const path = new Path2D(), wide = widthOf(whole);
  const x = (i: number): number => u.valToPos(whole.from + i * wide, "x", true);
  upper.forEach((value, i) => {
    if (value == null) return;
    const left = x(i), right = x(i + 1), top = height(value);
    path.rect(left, top, Math.max(right - left, 1) + 0.5, floor(i) - top);
  });
  return path;
}

/** Of all: from the lowest to the highest, and the median as steps. */
export function drawBand(u: uPlot, whole: Whole, style: string): void {
  const { ctx } = u, { high, low, median } = whole.all, y = (m: number): number => u.valToPos(m, "y", true);
  if (!low || !median) return;
  ctx.save();
  ctx.fillStyle = style;
  ctx.globalAlpha = 0.18;
  ctx.fill(area(u, whole, high, y, (i) => y(low[i] ?? 0)));
  ctx.globalAlpha = 0.9;
  const thick = 1.5 * devicePixelRatio;
  ctx.fill(area(u, whole, median, (m) => y(m) - thick / 2, (i) => y(median[i] ?? 0) + thick / 2));
  ctx.restore();
}

export const lanesTall = (whole: Whole): number => whole.lanes.length * ROW + 4;

/** What fills a lane: where a limit is near, that too. */
const scaleOf = ({ lanes, all }: Whole): number =>
  Math.max(all.peak, ...lanes.map(({ limit }) => (limit != null && limit < 1.25 * all.peak ? limit : 0))) || 1;

export interface Shades { ink: string; soft: string; line: string; limit: string; curve: string }

function drawLane(ctx: CanvasRenderingContext2D, u: uPlot, whole: Whole, lane: Lane, row: number, shade: string, shades: Shades): void {
  const scale = devicePixelRatio, foot = (2 + (row + 1) * ROW - 1) * scale, tall = (ROW - 4) * scale, most = scaleOf(whole);
  const height = (value: number): number => foot - Math.max(scale, tall * value / most);
  const { left, width } = u.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, foot - ROW * scale, width, ROW * scale);
  ctx.clip();
  ctx.fillStyle = shade;
  ctx.globalAlpha = lane.median ? PART : MEDIAN;
  ctx.fill(area(u, whole, lane.high, height, () => foot));
  if (lane.median) {
    ctx.globalAlpha = MEDIAN;
    ctx.fill(area(u, whole, lane.median, height, () => foot));
  }
  ctx.globalAlpha = 1;
  ctx.fillStyle = shades.line;
  ctx.fillRect(left, foot, width, scale);
  if (lane.limit != null && lane.limit <= most) {
    ctx.strokeStyle = shades.limit;
    ctx.lineWidth = scale;
    ctx.setLineDash([5 * scale, 4 * scale]);
    ctx.beginPath();
    ctx.moveTo(left, height(lane.limit));
    ctx.lineTo(left + width, height(lane.limit));
    ctx.stroke();
    ctx.setLineDash([]);
  }
  ctx.strokeStyle = shades.limit;
  ctx.lineWidth = 2 * scale;
  ctx.beginPath();
  for (const [t] of lane.kills) {
    const arm = 4 * scale, at = Math.min(u.valToPos(t, "x", true), left + width - arm), middle = foot - tall / 2;
    for (const turn of [-1, 1]) {
      ctx.moveTo(at - arm, middle - turn * arm);
      ctx.lineTo(at + arm, middle + turn * arm);
    }
  }
  ctx.stroke();
  ctx.restore();
  const from = (LEFT + (lane.beneath ? 10 : 0)) * scale, room = left - from - 5 * scale;
  ctx.save();
  ctx.beginPath();
  ctx.rect(from, foot - ROW * scale, room, ROW * scale);
  ctx.clip();
  ctx.fillStyle = lane.beneath ? shades.soft : shades.ink;
  ctx.textBaseline = "middle";
  const wide = ctx.measureText(lane.name).width; // the end of a name is where names differ
  ctx.fillText(lane.name, wide > room ? from + room - wide : from, foot - tall / 2);
  ctx.restore();
}

/** `shadeOf`: of a lane, that of its curve where it has one. */
export function drawMembers(canvas: HTMLCanvasElement, u: uPlot, whole: Whole, shadeOf: (lane: Lane) => string, shades: Shades): void {
  const ctx = canvas.getContext("2d"), scale = devicePixelRatio;
  if (!ctx) return;
  canvas.style.height = `${lanesTall(whole)}px`;
  canvas.width = canvas.clientWidth * scale;
  canvas.height = lanesTall(whole) * scale;
  ctx.font = `${11 * scale}px system-ui, sans-serif`;
  whole.lanes.forEach((lane, row) => drawLane(ctx, u, whole, lane, row, shadeOf(lane), shades));
}

export const laneAt = (whole: Whole, top: number): Lane | undefined => whole.lanes[Math.floor((top - 2) / ROW)];

/** A lane at a moment, in words. */
export function describeLane(whole: Whole, lane: Lane, t: number, when: (t: number) => string): string {
  const now = columnAt(whole, lane.high, t), middle = columnAt(whole, lane.median, t), lines = [lane.name];
  lines.push(`${when(t)}: ${now == null ? "no samples" : mib(now)}${middle == null ? "" : ` at most, median ${mib(middle)}`}`);
  lines.push(`peak ${mib(lane.peak)} at ${when(lane.peak_time)}${lane.members > 1 ? `, ${lane.who}` : ""}`);
  if (lane.limit != null) lines.push(`limit ${mib(lane.limit)}`);
  if (lane.kills.length) lines.push(`killed at ${when(lane.kills[0][0])}`);
  return [...lines, lane.members > 1 ? "" : lane.file].filter(Boolean).join("\n");
}

/** Of the header. */
export function wholeFacts({ members, hosts, hosts_left: left, median_peak: median, all, clocks }: Whole): string[] {
  const killed = all.kills.length, facts = [`${members.toLocaleString("en-US")} recordings of ${hosts === 1 ? "1 host" : `${hosts} hosts`}`];
  facts.push(`peak ${mib(all.peak)}, ${all.who}`, `median of the peaks ${mib(median)}`);
  if (killed) facts.push(`${killed} killed`);
  if (left) facts.push(`${left} hosts without a lane`);
  if (clocks) facts.push(clocks);
  return facts;
}
