// The figure as mprof wrote it (docs/timeline.md), and the questions the page asks of it.
export interface Points { t: number[]; m: (number | null)[] }
export interface Curve { curve: Points; slope: number; slope_error?: number; intercept: number; peak: number }
export interface Child extends Curve { pid: number; name: string; cpu: Points }
/** enter time, enter memory, leave time, leave memory, level, open, pid, thread */
export type Call = [number, number, number, number, number, number, number, number];
export interface Func { name: string; label: string; calls: Call[] }
export interface Run extends Curve {
  file: string; command: string | null; metric: string; start: number; from: number; to: number;
  tree: boolean; pid: number; end: string | null; code: number | null; late: number;
  unsampled: number; incomplete: boolean; samples: number; peak_time: number;
  limit: number | null; bounds: boolean; marks: Points; group: Points; children: Child[];
  /** percent of one CPU in the place of MiB */
  cpu: Points; mean_cpu: number | null;
  /** from, to, whether the machine slept */
  gaps: [number, number, boolean][];
  /** time, processes killed for memory */
  kills: [number, number][];
  functions: Func[]; calls_left_out: number;
  /** among the others of a whole */
  who: string | null;
}
/** Some recordings of a whole, or one: in columns of time, null where there are no samples. */
export interface Lane {
  name: string; members: number; beneath: boolean; peak: number; peak_time: number; who: string; file: string;
  limit: number | null; kills: [number, number][]; high: (number | null)[];
  /** of several */
  median: (number | null)[] | null; low: (number | null)[] | null;
}
export interface Whole {
  start: number; from: number; to: number; columns: number; members: number; hosts: number; hosts_left: number;
  median_peak: number; clocks: string | null; all: Lane; lanes: Lane[];
}
export interface Figure {
  version: string; title: string | null; flame: boolean; slope: boolean; runs: Run[]; whole: Whole | null;
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

const THOUSANDS = { minimumFractionDigits: 3, maximumFractionDigits: 3 };

export function mib(value: number): string {
  const size = Math.abs(value);
  if (size >= 1024 * 1024) return `${(value / 1024 / 1024).toLocaleString("en-US", THOUSANDS)} TiB`;
  return size >= 1024 ? `${(value / 1024).toLocaleString("en-US", THOUSANDS)} GiB` : `${value.toFixed(3)} MiB`;
}

export const percent = (value: number): string => `${value.toLocaleString("en-US", { maximumFractionDigits: 1 })} %`;

/** With its sign, of what was added. */
export const signed = (value: number): string => (value > 0 ? `+${mib(value)}` : mib(value));

/** As exact as `step` asks for: 12 s, 3 min 5 s, 1 h 30 min, 2 d 6 h. */
export function duration(value: number, step = 1): string {
  const minute = 60, hour = 3600, day = 86400, whole = step >= minute ? Math.round(value / minute) * minute : Math.round(value);
  if (value < minute || step < 1) return `${+value.toFixed(6)} s`;
  const parts: [number, string][] = [[Math.floor(whole / day), "d"], [Math.floor((whole % day) / hour), "h"],
    [Math.floor((whole % hour) / minute), "min"], [whole % minute, "s"]];
  return parts.filter(([number]) => number).map(([number, unit]) => `${number} ${unit}`).join(" ");
}

export function seconds(value: number): string {
  return value < 0.1 ? `${(value * 1000).toFixed(1)} ms` : value < 120 ? `${value.toFixed(3)} s` : duration(value, value < 3600 ? 1 : 60);
}

/** A straight line's rise, with its standard error. */
export function rate({ slope, slope_error: error }: Curve): string {
  const hourly = (value: number): string => (3600 * value).toLocaleString("en-US", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
  return `${slope > 0 ? "+" : ""}${hourly(slope)}${error === undefined ? "" : ` \u00b1 ${hourly(error)}`} MiB/h`;
}

export function ending(run: Run): string {
  if (run.incomplete) return "incomplete";
  if (run.end === "exit") return run.code ? `exit code ${run.code}` : "";
  if (run.end === "signal") return `killed by signal ${run.code}`;
  return run.end === "timeout" ? "stopped at the timeout" : "";
}
