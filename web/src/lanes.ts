// The flame view: calls stacked by depth under the curve, one block of lanes a thread.
import type uPlot from "uplot";
import { colour } from "./draw";
import { Call, Func } from "./figure";

export interface Box { call: Call; func: number; lane: number }

const ROW = 17, MOST_ROWS = 24;

/** Every visible call with its lane; threads below one another, in order of appearance. */
export function layOut(functions: Func[], shown: (func: number) => boolean): { boxes: Box[]; rows: number } {
  const depth = new Map<string, number>();
  const all: Box[] = [];
  functions.forEach((f, func) => shown(func) && f.calls.forEach((call) => all.push({ call, func, lane: 0 })));
  all.sort((a, b) => a.call[0] - b.call[0]);
  for (const { call } of all) {
    const key = `${call[6]}/${call[7]}`;
    depth.set(key, Math.max(depth.get(key) ?? 0, call[4] + 1));
  }
  const first = new Map<string, number>();
  let rows = 0;
  for (const [key, levels] of depth) { first.set(key, rows); rows += levels; }
  for (const box of all) box.lane = (first.get(`${box.call[6]}/${box.call[7]}`) ?? 0) + box.call[4];
  return { boxes: all, rows };
}

export const lanesHeight = (rows: number): number => Math.min(rows, MOST_ROWS) * ROW + 6;

export function drawLanes(canvas: HTMLCanvasElement, u: uPlot, boxes: Box[], functions: Func[], ink: string): void {
  const ctx = canvas.getContext("2d"), scale = devicePixelRatio;
  if (!ctx) return;
  canvas.width = canvas.clientWidth * scale;
  canvas.height = canvas.clientHeight * scale;
  const left = u.bbox.left, right = left + u.bbox.width;
  ctx.font = `${11 * scale}px system-ui, sans-serif`;
  ctx.textBaseline = "middle";
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, 0, right - left, canvas.height);
  ctx.clip();
  for (const { call, func, lane } of boxes) {
    const a = u.valToPos(call[0], "x", true), b = Math.max(a + 1, u.valToPos(call[2], "x", true));
    if (b < left || a > right) continue;
    const top = (3 + lane * ROW) * scale, height = (ROW - 2) * scale;
    ctx.globalAlpha = call[5] ? 0.3 : 0.55;
    ctx.fillStyle = colour(func);
    ctx.fillRect(a, top, b - a, height);
    ctx.globalAlpha = 1;
    const from = Math.max(a, left) + 4 * scale, room = Math.min(b, right) - from - 4 * scale;
    if (room < 20 * scale) continue;
    ctx.fillStyle = ink;
    ctx.save();
    ctx.beginPath();
    ctx.rect(from, top, room, height);
    ctx.clip();
    ctx.fillText(functions[func].label, from, top + height / 2);
    ctx.restore();
  }
  ctx.restore();
}

/** The call under a point of the canvas (CSS pixels), or undefined. */
export function boxAt(boxes: Box[], u: uPlot, left: number, top: number): Box | undefined {
  const lane = Math.floor((top - 3) / ROW), t = u.posToVal(left - u.bbox.left / devicePixelRatio, "x");
  return boxes.find((box) => box.lane === lane && box.call[0] <= t && t <= box.call[2]);
}
