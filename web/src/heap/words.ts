// Figures as people read them.
const UNITS = ["KiB", "MiB", "GiB", "TiB"];

export function size(bytes: number): string {
  if (Math.abs(bytes) < 1024) return `${bytes} B`;
  let value = bytes / 1024, unit = 0;
  while (value >= 1023.95 && unit + 1 < UNITS.length) { value /= 1024; unit++; }
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}

/** The standard error of bytes of which one block in `sample` was recorded; nothing where all were. */
export const error = (bytes: number, sample: number): string =>
  sample && bytes ? `\u00b1 ${size(Math.round(Math.sqrt(sample * Math.abs(bytes))))}` : "";

export const estimate = (bytes: number, sample: number): string =>
  sample && bytes ? `${size(bytes)} ${error(bytes, sample)}` : size(bytes);

export const count = (number: number): string => number.toLocaleString("en-US");

export const many = (number: number, one: string, several = `${one}s`): string =>
  `${count(number)} ${number === 1 ? one : several}`;

export function percent(part: number, whole: number): string {
  if (!whole) return "0%";
  const share = (100 * part) / whole;
  if (share > 0 && share < 0.0005) return "<0.001%";
  return `${share >= 99.95 || share === 0 ? share.toFixed(0) : share.toFixed(share < 0.1 ? 3 : 1)}%`;
}

export const seconds = (value: number): string =>
  value < 0.1 ? `${(value * 1000).toFixed(1)} ms` : value < 120 ? `${value.toFixed(2)} s` : `${(value / 60).toFixed(1)} min`;

/** The last part of a path: what fits into a frame. */
export const base = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
