// The capture as mprof wrote it (docs/flamegraph.md), and the tree made of it.

export const MEASURES = [
  { key: "peak", name: "at the peak", of: 0, blocks: 1, bytes: true, about: "bytes that were there when most memory was in use" },
  { key: "live", name: "still live", of: 2, blocks: 3, bytes: true, about: "bytes that were not freed by the end" },
  { key: "total", name: "allocated", of: 4, blocks: 5, bytes: true, about: "bytes ever allocated" },
  { key: "temporary", name: "temporary", of: 6, blocks: 6, bytes: false, about: "blocks freed before their thread allocated again" },
] satisfies Measure[];
/** What is drawn; `net`: of growth, where what is drawn is all that changed. */
export interface Measure { key: string; name: string; of: number; blocks?: number; bytes: boolean; about: string; net?: number }
/** Behind a frame's figures: bytes at the moment that was chosen, or how many more; of growth the sum of what each frame grew or shrank. */
export const HELD = 7, CHANGED = 8;

/** peak, blocks at the peak, live, live blocks, total, blocks, temporary */
export type Figures = number[];
export interface Func { id: number; file: number; name: string; path: string; short: string; first: number; kind: Kind; hue: number; sources: Map<number, string> }
export type Kind = "own" | "installed" | "standard" | "none";

interface WrittenGraph { inverted: boolean; folded: boolean; least: number; frames: number[][]; times: [number, number][]; held: number[][]; rest: number[]; members: number[][]; typed: number[][] }
interface WrittenHolders { objects: number; references: number; reached: number; rows: [Holder["kind"], string, string, number, number, number, number][] }
interface Written {
  version: string; file: string; title: string | null; incomplete: string | null; command: string;
  pid: number; processes: number; start: number; elapsed: number; peak_time: number;
  held: number; reserved: number;
  counted: { peak: number; live: number; total: number; blocks: number; frees: number; temporary: number };
  untracked: number; untracked_bytes: number; shortened: number; misplaced: number; sample: number;
  series: [number, number, number][]; files: { path: string; short?: string; functions: [string, number][] }[];
  moments: [number, number, InstantKind, string?][]; chosen: [number, number]; yours: number[][]; yours_more: number[]; elsewhere: Figures; inverted: boolean; graphs: WrittenGraph[]; sources: [number, number, string][]; texts: [number, ...[number, ...string[]][]][]; rows: number[][]; marks: [number, number][]; more: number[]; own: Figures;
  types: string[]; censuses: Census[]; holders: WrittenHolders | null; keepers: (WrittenHolders & { member: number; name: string })[];
  members: [string, number, number, string][] | null; spread?: number[][];
}

export type InstantKind = "start" | "moment" | "mark" | "peak" | "end";
/** A moment of the run of which it is known what held how much. */
export interface Instant { time: number; live: number; kind: InstantKind; name: string }
export type FrameKind = "root" | "call" | "smaller" | "deeper" | "own" | "imports" | "outer" | "rest" | "type" | "held";
export interface Frame {
  id: number; kind: FrameKind; func: Func | null; line: number; stacks: number;
  figures: Figures; children: Frame[]; imports: boolean;
  times: number; // of a recursion that is drawn once; 0: it is none
  outer: Frame[]; // those that it stands for
  label?: string; facts?: string[]; // of types and holders
  type?: number; // all of it is
}
/** The stacks one way: callees below or, inverted, callers; cycles once, where any is folded, or in full. */
export interface Graph {
  inverted: boolean; folded: boolean; least: number; root: Frame;
  frames: Frame[]; above: number[]; // by number, and of each the number of the one above
  held: Map<Frame, number[]>; // what each held itself at each moment
  members: [Frame, number][][]; // of each process what frames held themselves at its peak
  typed: Typed[][]; // of each count
}
/** Of a type what frames, by their numbers, hold themselves. */
export interface Typed { type: number; cells: [number, number][] }
/** What the blocks were when somebody counted: at moments by their numbers, `time` and `live` of that before the end; rows of [type, objects, bytes,
 *  bytes beside], and [how many, the same] of the types that have none. */
export interface Census { at: (number | "peak" | "end")[]; time?: number; live?: number; rows: [number, number, number, number][]; more: [number, number, number, number] }
/** Objects of a type that are held alike, what a line allocated, what retained most; of owners `others` is the one above, from 1 on. */
export interface Holder { kind: "largest" | "type" | "line" | "owner"; of: string; path: string; objects: number; bytes: number; retained: number; others: number }
/** Who held the objects of a process at its end. */
export interface Holders extends Omit<WrittenHolders, "rows"> { rows: Holder[] }
/** Those of a process of several, with its name; `member` is the one of `members` that it is, or is part of. */
export interface Keeper extends Holders { member: number; name: string }
/** A process of several, or a worker with its children. */
export interface Member { name: string; peak: number; host: string }
/** A line where processes differ: what each of them holds there. */
export interface Difference extends Place { held: number[] }
export interface Place { func: Func; line: number }
/** A line, with what it allocated; `totals`: at the peak, live, allocated, at the moment chosen; with all that it called. */
export interface Row extends Place { figures: Figures; totals: number[]; marks: number; beneath?: Beneath }
/** Of a line of yours: the library's line that allocated most of it. */
export interface Beneath extends Place { bytes: number }
/** A file of which there is source: its lines by their number. */
export interface SourceFile { path: string; short: string; lines: Map<number, string> }
/** Lines that have rows, and the sum of those that have none. */
export interface Table { rows: Row[]; more: number; moreFigures: Figures }
export interface Capture extends Omit<Written, "rows" | "marks" | "more" | "yours" | "yours_more" | "graphs" | "files" | "sources" | "texts" | "moments" | "members" | "spread" | "holders" | "keepers"> {
  files: SourceFile[]; graphs: Graph[]; root: Frame; yours: Table; all: Table; instants: Instant[]; members: Member[]; differences: Difference[];
  holders: Holders | null; keepers: Keeper[];
}

const FIGURES = 7, IMPORTLIB = "<frozen importlib._bootstrap";
/** Whoever took it need not be who uses it; by bit. */
export const MARKS = [
  ["pool", "some of it was mapped there at once, and is handed out to lines that run later"],
  ["thread", "some of it was allocated by a thread without Python code that was started there; which line it worked for is not seen"],
];
export const OURS = "(memory_profiler itself)", IMPORTING = "(importing modules)";

function hash(text: string): number {
  let value = 7;
  for (let i = 0; i < text.length; i++) value = (value * 31 + text.charCodeAt(i)) % 9973;
  return value / 9973;
}

/** Whose code it is, and a hue: own code is warm and varies by function, the rest cool by package. */
function describe(id: number, file: number, name: string, path: string, short: string, first: number): Func {
  const installed = /\/(?:site|dist)-packages\/([^/.]+)/.exec(path);
  const standard = /\/lib\/python3\.\d+\/([^/.]+)/.exec(path) ?? /^<frozen ([^.>]+)/.exec(path);
  const [kind, hue]: [Kind, number] = !name && !path ? ["none", 0]
    : installed ? ["installed", 165 + 125 * hash(installed[1])]
    : standard ? ["standard", 200 + 30 * hash(standard[1])] : ["own", 14 + 34 * hash(name + path)];
  return { id, file, name: kind === "none" ? "(no Python code running)" : name, path, short, first, kind, hue, sources: new Map() };
}

/** Of changes, what was there at each moment. */
function spread(changes: number[], count: number): number[] {
  const all: number[] = [];
  for (let at = 0, next = 0, bytes = 0; at < count; at++) {
    if (changes[next] === at) [bytes, next] = [changes[next + 1], next + 2];
    all.push(bytes);
  }
  return all;
}

/** By process, of [frame, process, bytes, process, bytes...]. */
function byMember(written: number[][], frames: Frame[], count: number): [Frame, number][][] {
  const all: [Frame, number][][] = Array.from({ length: count }, () => []);
  for (const [frame, ...cells] of written)
    for (let i = 0; i < cells.length; i += 2) all[cells[i]].push([frames[frame], cells[i + 1]]);
  return all;
}

/** By count, of [count, type, frame, bytes, frame, bytes...]. */
function byCount(written: number[][]): Typed[][] {
  const all: Typed[][] = [];
  for (const [census, type, ...cells] of written)
    (all[census] ??= []).push({ type, cells: Array.from({ length: cells.length / 2 }, (_, i) => [cells[2 * i], cells[2 * i + 1]]) });
  return all;
}

function graph({ frames, times, held, rest, members, typed, ...others }: WrittenGraph, first: number, funcs: Func[], processes: number): Graph {
  const made: Frame[] = [], above = frames.map(([caller]) => caller), kept = new Map<Frame, number[]>();
  frames.forEach(([caller, func, line, stacks, ...figures], at) => {
    const kind: FrameKind = !at ? "root" : func === -1 ? "smaller" : func === -2 ? "deeper" : func === -3 ? "own" : "call";
    const frame: Frame = { id: first + at, kind, func: func < 0 || !at ? null : funcs[func], line, stacks, figures: [...figures, 0, 0], children: [], imports: false, times: 0, outer: [] };
    frame.imports = frame.func?.path.startsWith(IMPORTLIB) ?? false;
    made.push(frame);
    if (at) made[caller].children.push(frame);
  });
  for (const [at, number] of times) made[at].times = number;
  for (const [at, ...changes] of held) kept.set(made[at], spread(changes, rest.length));
  if (rest.length || processes) {
    const frame: Frame = { ...made[0], id: first + frames.length, kind: "rest", stacks: 0, figures: made[0].figures.map(() => 0), children: [] };
    made[0].children.push(frame);
    made.push(frame);
    above.push(0);
    kept.set(frame, rest);
  }
  return { ...others, root: made[0], frames: made, above, held: kept, members: byMember(members, made, processes), typed: byCount(typed) };
}

const filled = (figures: number[]): Pick<Row, "figures" | "totals"> => ({ figures: [...figures.slice(0, FIGURES), 0, 0], totals: [...figures.slice(FIGURES), 0] });
const table = (rows: Row[], [more, ...moreFigures]: number[]): Table => ({ rows, more, moreFigures });

/** A worker or rank; a process that is none has its number. */
const memberOf = ([name, pid, peak, host]: [string, number, number, string]): Member => ({ name: name || `process ${pid}`, peak, host });

const holdersOf = ({ rows, ...sums }: WrittenHolders): Holders => ({
  ...sums, rows: rows.map(([kind, of, path, objects, bytes, retained, others]) => ({ kind, of, path, objects, bytes, retained, others })),
});

export function readCapture(text: string): Capture {
  const { graphs: written, rows, marks, files, sources, texts, more, yours, yours_more, moments, members: several, spread: apart, holders, keepers, ...rest }: Written = JSON.parse(text);
  let id = 0, first = 0;
  const funcs = files.flatMap(({ path, short, functions }, file) => functions.map(([name, line]) => describe(id++, file, name, path, short ?? path, line)));
  for (const [func, line, text] of sources) funcs[func].sources.set(line, text.trim());
  const marksOf = new Map(marks);
  const graphs = written.map((one) => { first += one.frames.length + 1; return graph(one, first - one.frames.length - 1, funcs, several?.length ?? 0); });
  const all = rows.map(([func, line, ...figures], i) => ({ func: funcs[func], line, ...filled(figures), marks: marksOf.get(i) ?? 0 }));
  const own = yours.map(([func, line, marks, beneath, its, bytes, ...figures]) => ({
    func: funcs[func], line, ...filled(figures), marks,
    beneath: beneath < 0 ? undefined : { func: funcs[beneath], line: its, bytes },
  }));
  const instants = moments.map(([time, live, kind, name]) => ({ time, live, kind, name: name ?? "" }));
  const shown = files.map(({ path, short }) => ({ path, short: short ?? path, lines: new Map<number, string>() }));
  for (const [file, ...parts] of texts) for (const [first, ...lines] of parts) lines.forEach((line, i) => shown[file].lines.set(first + i, line));
  const differences = (apart ?? []).map(([func, line, ...held]) => ({ func: funcs[func], line, held }));
  const members = (several ?? []).map(memberOf);
  return { ...rest, files: shown, graphs, instants, members, differences, holders: holders && holdersOf(holders),
    keepers: keepers.map(({ member, name, ...its }) => ({ ...holdersOf(its), member, name: [members[member].name, name].filter(Boolean).join(", ") })),
    root: graphs[0].root, yours: table(own, yours_more), all: table(all, more) };
}

export function nameOf(frame: Frame): string {
  switch (frame.kind) {
    case "root": return frame.label || "all";
    case "imports": return "(imports)";
    case "outer": return `(\u2026 ${frame.outer.length} frames)`;
    case "smaller": return `(${frame.stacks} smaller)`;
    case "own": return OURS;
    case "rest": return frame.label || "(smaller stacks)";
    case "type": case "held": return frame.label ?? "";
    case "deeper": return `(${frame.stacks} deeper)`;
    default: return frame.func?.name ?? "";
  }
}

/** What is searched: in the graph and in the tables alike. */
export const wordsOf = (func: Func | null, line: number, name: string): string => `${name} ${placeOf(func, line)} ${sourceOf(func, line)}`.toLowerCase();
export const keyOf = (func: Func | null, line: number): string => (func ? `${func.id}:${line}` : "");
export const placeOf = (func: Func | null, line: number): string => (func && func.path ? `${func.path}:${line}` : "");
export const shortPlaceOf = (func: Func | null, line: number): string => (func && func.short ? `${func.short}:${line}` : "");
/** The one row that has all lines of import machinery. */
export const isImporting = (func: Func, line: number): boolean => line === 0 && func.path.startsWith(IMPORTLIB);
export const sourceOf = (func: Func | null, line: number): string => func?.sources.get(line) ?? "";
