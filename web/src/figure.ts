// The figure as mprof wrote it (docs/timeline.md), and the questions the page asks of it.
export interface Points { t: number[]; m: (number | null)[] }
export interface Curve { curve: Points; slope: number; intercept: number; peak: number }
export interface Child extends Curve { pid: number; name: string }
/** enter time, enter memory, leave time, leave memory, level, open, pid, thread */
export type Call = [number, number, number, number, number, number, number, number];
export interface Func { name: string; label: string; calls: Call[] }
export interface Run extends Curve {
  file: string; command: string | null; metric: string; start: number; from: number; to: number;
  tree: boolean; pid: number; end: string | null; code: number | null; late: number;
  unsampled: number; incomplete: boolean; samples: number; peak_time: number;
  limit: number | null; bounds: boolean; marks: Points; group: Points; children: Child[];
  functions: Func[]; calls_left_out: number;
}
export interface Figure {
  version: string; title: string | null; flame: boolean; slope: boolean; runs: Run[];
}

/** The index of the last time not after `t`, or -1. */
export function before(times: number[], t: number): number {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= t) low = middle + 1; else high = middle;
  }
  return low - 1;
}

/** The reading in force at a time: the latest not after it; null in a gap or before the first. */
export function valueAt(points: Points, t: number): number | null {
  const at = before(points.t, t);
  return at < 0 ? null : points.m[at];
}

/** The highest reading within a window, or 0; its neighbours outside count, lines lead there. */
export function highest(points: Points, from: number, to: number): number {
  let top = 0;
  const first = Math.max(0, before(points.t, from));
  for (let i = first; i < points.t.length; i++) {
    top = Math.max(top, points.m[i] ?? 0);
    if (points.t[i] > to) break;
  }
  return top;
}

export function mib(value: number): string {
  return value >= 1024 ? `${(value / 1024).toFixed(3)} GiB` : `${value.toFixed(3)} MiB`;
}

export function seconds(value: number): string {
  return value < 0.1 ? `${(value * 1000).toFixed(1)} ms` : `${value.toFixed(3)} s`;
}

export function ending(run: Run): string {
  if (run.incomplete) return "incomplete";
  if (run.end === "exit") return run.code ? `exit code ${run.code}` : "";
  if (run.end === "signal") return `killed by signal ${run.code}`;
  return run.end === "timeout" ? "stopped at the timeout" : "";
}
