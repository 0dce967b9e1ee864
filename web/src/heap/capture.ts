// The capture as mprof wrote it (docs/flamegraph.md), and the tree made of it.
export const MEASURES = [
  { key: "peak", name: "at the peak", of: 0, blocks: 1, bytes: true, about: "bytes that were there when most memory was in use" },
  { key: "live", name: "still live", of: 2, blocks: 3, bytes: true, about: "bytes that were not freed by the end" },
  { key: "total", name: "allocated", of: 4, blocks: 5, bytes: true, about: "bytes ever allocated" },
  { key: "temporary", name: "temporary", of: 6, blocks: 6, bytes: false, about: "blocks freed before their thread allocated again" },
] as const;
export type Measure = (typeof MEASURES)[number];

/** peak, blocks at the peak, live, live blocks, total, blocks, temporary */
export type Figures = number[];
export interface Func { name: string; path: string; short: string; first: number; kind: Kind; hue: number; sources: Map<number, string> }
export type Kind = "own" | "installed" | "standard" | "none";

interface Written {
  version: string; file: string; title: string | null; incomplete: string | null; command: string;
  pid: number; processes: number; start: number; elapsed: number; peak_time: number;
  counted: { peak: number; live: number; total: number; blocks: number; frees: number; temporary: number };
  untracked: number; untracked_bytes: number; shortened: number; sample: number;
  series: [number, number, number][]; files: { path: string; short?: string; functions: [string, number][] }[];
  least: number; frames: number[][]; sources: [number, number, string][]; rows: number[][]; more: number[]; own: Figures;
}

export type FrameKind = "root" | "call" | "smaller" | "deeper" | "own" | "imports";
export interface Frame {
  id: number; kind: FrameKind; parent: Frame | null; func: Func | null; line: number; stacks: number;
  figures: Figures; children: Frame[]; imports: boolean;
}
export interface Row { func: Func; line: number; figures: Figures }
export interface Capture extends Omit<Written, "rows" | "more" | "frames" | "files" | "sources"> {
  root: Frame; rows: Row[]; more: number; moreFigures: Figures;
}

const IMPORTLIB = "<frozen importlib._bootstrap";
export const OURS = "(memory_profiler itself)", IMPORTING = "(importing modules)";

function hash(text: string): number {
  let value = 7;
  for (let i = 0; i < text.length; i++) value = (value * 31 + text.charCodeAt(i)) % 9973;
  return value / 9973;
}

/** Whose code it is, and a hue: own code is warm and varies by function, the rest cool by package. */
function describe(name: string, path: string, short: string, first: number): Func {
  const installed = /\/(?:site|dist)-packages\/([^/.]+)/.exec(path);
  const standard = /\/lib\/python3\.\d+\/([^/.]+)/.exec(path) ?? /^<frozen ([^.>]+)/.exec(path);
  const [kind, hue]: [Kind, number] = !name && !path ? ["none", 0]
    : installed ? ["installed", 165 + 125 * hash(installed[1])]
    : standard ? ["standard", 200 + 30 * hash(standard[1])] : ["own", 14 + 34 * hash(name + path)];
  return { name: kind === "none" ? "(no Python code running)" : name, path, short, first, kind, hue, sources: new Map() };
}

function tree(frames: number[][], funcs: Func[]): Frame {
  const made: Frame[] = [];
  frames.forEach(([above, func, line, stacks, ...figures], id) => {
    const parent = id ? made[above] : null;
    const kind: FrameKind = !id ? "root" : func === -1 ? "smaller" : func === -2 ? "deeper" : func === -3 ? "own" : "call";
    const frame: Frame = { id, kind, parent, func: func < 0 || !id ? null : funcs[func], line, stacks, figures, children: [], imports: false };
    frame.imports = frame.func?.path.startsWith(IMPORTLIB) ?? false;
    made.push(frame);
    parent?.children.push(frame);
  });
  return made[0];
}

export function readCapture(text: string): Capture {
  const { frames, rows, files, sources, more, ...rest }: Written = JSON.parse(text);
  const funcs = files.flatMap(({ path, short, functions }) => functions.map(([name, first]) => describe(name, path, short ?? path, first)));
  for (const [func, line, text] of sources) funcs[func].sources.set(line, text.trim());
  return {
    ...rest, root: tree(frames, funcs), more: more[0], moreFigures: more.slice(1),
    rows: rows.map(([func, line, ...figures]) => ({ func: funcs[func], line, figures })),
  };
}

export function nameOf(frame: Frame): string {
  switch (frame.kind) {
    case "root": return "all";
    case "imports": return "(imports)";
    case "smaller": return `(${frame.stacks} smaller)`;
    case "own": return OURS;
    case "deeper": return `(${frame.stacks} deeper)`;
    default: return frame.func?.name ?? "";
  }
}

export const placeOf = (func: Func | null, line: number): string => (func && func.path ? `${func.path}:${line}` : "");
export const shortPlaceOf = (func: Func | null, line: number): string => (func && func.short ? `${func.short}:${line}` : "");
/** The one row that has all lines of import machinery. */
export const isImporting = (func: Func, line: number): boolean => line === 0 && func.path.startsWith(IMPORTLIB);
export const sourceOf = (func: Func | null, line: number): string => func?.sources.get(line) ?? "";
