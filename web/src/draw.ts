// Drawing on a canvas that uPlot has scaled: everything beside the first curve.
import type uPlot from "uplot";
import { before, Call, Points } from "./figure";
import { Words } from "./apart";

const PALETTE = ["#e0a100", "#2a9d62", "#c2539b", "#3c7dd9", "#d5573b", "#7a5bd0", "#1f9aa8", "#8a8f2b"];

export const colour = (i: number): string => PALETTE[i % PALETTE.length];
/** Not the blue one: the first curve's is like it. */
const BESIDE = PALETTE.filter((one) => one !== "#3c7dd9");
export const colourBeside = (i: number): string => BESIDE[i % BESIDE.length];

const x = (u: uPlot, t: number): number => u.valToPos(t, "x", true);
const y = (u: uPlot, m: number): number => u.valToPos(m, "y", true);

/** A line through the points of the window; broken at gaps. */
export function line(u: uPlot, points: Points, style: string, width = 1.2, dash: number[] = [], scale = "y"): void {
  const { ctx } = u, { min, max } = u.scales.x, y = (_: uPlot, m: number): number => u.valToPos(m, scale, true);
  if (min == null || max == null) return;
  ctx.strokeStyle = style;
  ctx.lineWidth = width * devicePixelRatio;
  ctx.setLineDash(dash.map((d) => d * devicePixelRatio));
  ctx.beginPath();
  let pen = false;
  for (let i = Math.max(0, before(points.t, min)); i < points.t.length; i++) {
    const m = points.m[i];
    if (m == null) { pen = false; continue; }
    const at = x(u, points.t[i]);
    if (pen) ctx.lineTo(at, y(u, m)); else ctx.moveTo(at, y(u, m));
    if (!pen && points.m[i + 1] == null) ctx.lineTo(at + 2 * devicePixelRatio, y(u, m)); // alone between gaps
    pen = true;
    if (points.t[i] > max) break;
  }
  ctx.stroke();
  ctx.setLineDash([]);
}

/** A stem from the curve up to each mark. */
export function stems(u: uPlot, marks: Points, base: (t: number) => number, style: string): void {
  const { ctx } = u, { min, max } = u.scales.x;
  if (min == null || max == null) return;
  ctx.strokeStyle = ctx.fillStyle = style;
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  for (let i = Math.max(0, before(marks.t, min)); i < marks.t.length && marks.t[i] <= max; i++) {
    const at = x(u, marks.t[i]), top = y(u, marks.m[i] ?? 0);
    if (marks.t[i] < min) continue;
    ctx.moveTo(at, y(u, base(marks.t[i])));
    ctx.lineTo(at, top);
    ctx.rect(at - devicePixelRatio, top - devicePixelRatio, 2 * devicePixelRatio, 2 * devicePixelRatio);
  }
  ctx.stroke();
}

/** The classic's brackets: [ where a call began, ] where it ended. */
export function brackets(u: uPlot, calls: Call[], style: string): void {
  const { ctx } = u, { min, max } = u.scales.x, size = 4 * devicePixelRatio;
  if (min == null || max == null) return;
  ctx.strokeStyle = style;
  ctx.lineWidth = 1.6 * devicePixelRatio;
  ctx.beginPath();
  const one = (t: number, m: number, turn: number): void => {
    if (t < min || t > max) return;
    const at = x(u, t), middle = y(u, m);
    ctx.moveTo(at + turn * size, middle - 2 * size);
    ctx.lineTo(at, middle - 2 * size);
    ctx.lineTo(at, middle + 2 * size);
    ctx.lineTo(at + turn * size, middle + 2 * size);
  };
  for (const [t0, m0, t1, m1, , open] of calls) {
    one(t0, m0, 1);
    if (!open) one(t1, m1, -1);
  }
  ctx.stroke();
}

/** A straight line across: the control group's limit. */
export function across(u: uPlot, m: number, style: string): void {
  const { ctx } = u, { left, width } = u.bbox;
  ctx.strokeStyle = style;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(left, y(u, m));
  ctx.lineTo(left + width, y(u, m));
  ctx.stroke();
  ctx.setLineDash([]);
}

/** The highest point, with its words beside it and a line down to its time. */
export function top(u: uPlot, t: number, m: number, text: string, style: string, placed: Words): void {
  const { ctx } = u, { left, top: upper, width } = u.bbox, scale = devicePixelRatio, at = x(u, t), above = y(u, m);
  if (at < left || at > left + width) return;
  ctx.strokeStyle = ctx.fillStyle = style;
  ctx.lineWidth = scale;
  ctx.setLineDash([3 * scale, 4 * scale]);
  ctx.beginPath();
  ctx.moveTo(at, above);
  ctx.lineTo(at, upper + u.bbox.height);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.arc(at, above, 3.5 * scale, 0, 2 * Math.PI);
  ctx.fill();
  ctx.font = `600 ${12 * scale}px system-ui, sans-serif`;
  ctx.textBaseline = "bottom";
  const long = ctx.measureText(text).width + 7 * scale, toRight = at + long + 5 * scale < left + width;
  const foot = Math.max(above - 3 * scale, upper + 14 * scale);
  const down = text ? placed.place(toRight ? at : at - long, toRight ? at + long : at, foot - 14 * scale, foot) : null;
  ctx.textAlign = toRight ? "left" : "right";
  if (down != null) ctx.fillText(text, at + (toRight ? 7 : -7) * scale, foot + down);
}
