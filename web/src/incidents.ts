// What befell a run: stretches without samples, and processes that the kernel killed for memory.
import type uPlot from "uplot";
import { duration, Run, seconds } from "./figure";
import { Words } from "./apart";

const HATCH = 7;

const why = (asleep: boolean): string => (asleep ? "the machine was suspended" : "no samples");

/** What happened within `reach` of a moment, in words. */
export function incidentsAt(run: Run, t: number, reach: number): string[] {
  return [
    ...run.gaps.filter(([from, to]) => from <= t && t <= to).map(([from, to, asleep]) => `${why(asleep)} for ${seconds(to - from)}`),
    ...run.kills.filter(([at]) => Math.abs(at - t) <= reach).map(([, count]) => killWords(run, count)),
  ];
}

export function killWords(run: Run, count: number): string {
  if (run.end === "signal" && run.code === 9 && run.kills.reduce((sum, [, more]) => sum + more, 0) === 1) return "killed for memory";
  return `${count} ${count === 1 ? "process" : "processes"} killed for memory`;
}

/** Of the header: how long there are no samples, and how many were killed. */
export function incidentFacts(run: Run): string[] {
  const facts: string[] = [];
  for (const asleep of [true, false]) {
    const long = run.gaps.filter((gap) => gap[2] === asleep).reduce((sum, [from, to]) => sum + to - from, 0);
    if (long) facts.push(`${why(asleep)} for ${long < 120 ? seconds(long) : duration(long)}`);
  }
  const killed = run.kills.reduce((sum, [, count]) => sum + count, 0);
  return killed ? [...facts, killWords(run, killed)] : facts;
}

/** Hatched over the whole height: nobody knows what memory was. */
export function drawGaps(u: uPlot, run: Run, style: string): void {
  const { ctx } = u, { left, top, width, height } = u.bbox, step = HATCH * devicePixelRatio;
  for (const [from, to] of run.gaps) {
    const start = Math.max(left, u.valToPos(from, "x", true)), end = Math.min(left + width, u.valToPos(to, "x", true));
    if (end <= start) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(start, top, Math.max(end - start, devicePixelRatio), height);
    ctx.clip();
    ctx.strokeStyle = style;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    for (let at = start - height; at < end; at += step) {
      ctx.moveTo(at, top + height);
      ctx.lineTo(at + height, top);
    }
    ctx.stroke();
    ctx.restore();
  }
}

/** A line down at each kill, with a cross and its words at the top. */
export function drawKills(u: uPlot, run: Run, style: string, placed: Words): void {
  const { ctx } = u, { left, top, width, height } = u.bbox, scale = devicePixelRatio, arm = 4 * scale;
  ctx.strokeStyle = ctx.fillStyle = style;
  ctx.lineWidth = 1.5 * scale;
  ctx.font = `600 ${12 * scale}px system-ui, sans-serif`;
  ctx.textBaseline = "top";
  for (const [t, count] of run.kills) {
    const at = Math.min(u.valToPos(t, "x", true), left + width - arm), words = killWords(run, count);
    if (at < left || u.valToPos(t, "x", true) > left + width + 1) continue;
    const long = ctx.measureText(words).width + 8 * scale, toRight = at + long + 6 * scale < left + width;
    const down = placed.place(at - (toRight ? arm : long), at + (toRight ? long : arm), top + 4 * scale, top + 18 * scale);
    const upper = top + 10 * scale + (down ?? 0);
    ctx.beginPath();
    ctx.moveTo(at, upper);
    ctx.lineTo(at, top + height);
    for (const turn of [-1, 1]) {
      ctx.moveTo(at - arm, upper - turn * arm);
      ctx.lineTo(at + arm, upper + turn * arm);
    }
    ctx.stroke();
    ctx.textAlign = toRight ? "left" : "right";
    if (down != null) ctx.fillText(words, at + (toRight ? 8 : -8) * scale, upper - 6 * scale);
  }
}
