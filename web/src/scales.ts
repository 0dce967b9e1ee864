// What stands at the axes: durations with the time of day below them, sizes in MiB and GiB.
import type uPlot from "uplot";
import { duration } from "./figure";
import { themeColour } from "./theme";

const MINUTE = 60, HOUR = 3600, DAY = 86400;
const TIMES = [
  1e-6, 1e-5, 1e-4, 1e-3, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE,
  15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 365 * DAY,
];
const GIB = 1024;
const SIZES = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 256, 512,
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((step) => step * GIB), ...[1, 2, 5, 10, 20, 50, 100].map((step) => step * GIB * GIB),
];

const thousands = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: 4 });

/** Of a line of the grid: as short as it can be told. */
export const sizeAt = (mib: number): string => !mib ? "0" :
  mib >= GIB * GIB ? `${thousands(mib / GIB / GIB)} TiB` : mib >= GIB ? `${thousands(mib / GIB)} GiB` : `${thousands(mib)} MiB`;

const pad = (number: number): string => String(number).padStart(2, "0");

/** The time of day, with seconds where they tell lines apart; with the date on the first of each day. */
function clock(at: Date, before: Date | null, step: number): string {
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}${step < MINUTE ? `:${pad(at.getSeconds())}` : ""}`;
  if (before && before.toDateString() === at.toDateString()) return time;
  return `${at.toLocaleDateString(undefined, { day: "numeric", month: "short" })} ${time}`;
}

const line = { stroke: () => themeColour("--line"), width: 1 };

/** `start`: unix time of the recording, or null where several have one axis. */
export function timeAxis(start: number | null): uPlot.Axis {
  const withClock = (step: number): boolean => start !== null && step >= 1;
  return {
    stroke: () => themeColour("--soft"), size: start === null ? 34 : 50, space: 110, incrs: TIMES, grid: line, ticks: line,
    values: (_, splits, __, ___, step) => splits.map((at, i) => {
      if (!withClock(step)) return duration(at, step);
      const now = new Date(1000 * (start! + at)), before = i ? new Date(1000 * (start! + splits[i - 1])) : null;
      return `${duration(at, step)}\n${clock(now, before, step)}`;
    }),
  };
}

/** On the right: its grid would be another one. */
export const cpuAxis = (): uPlot.Axis => ({
  scale: "cpu", side: 1, label: "CPU", labelSize: 20, labelGap: 0, stroke: () => themeColour("--cpu"), size: 60, space: 64,
  grid: { show: false }, ticks: line, values: (_, splits) => splits.map((at) => `${thousands(at)} %`),
});

export const memoryAxis = (label: string): uPlot.Axis => ({
  label, labelSize: 20, labelGap: 0, stroke: () => themeColour("--soft"), size: 78, space: 64, incrs: SIZES, grid: line, ticks: line,
  values: (_, splits) => splits.map(sizeAt),
});
