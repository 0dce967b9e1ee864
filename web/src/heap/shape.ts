// What is drawn of a graph: importlib's frames, and those that only lead to the program, once or not at all.
import { Capture, Figures, Frame, Graph } from "./capture";
import { byHolder, byType, keepersOf, View } from "./grouped";

export type Imports = "full" | "short" | "one";
export interface Shape { inverted: boolean; folded: boolean; imports: Imports; outer: boolean; source: boolean; view: View; census: number; member: number | null }
type Value = (frame: Frame) => number;

const FEWEST = 3; // outer frames that are worth one

/** The stacks. */
export function plainOf({ graphs }: Capture, { inverted, folded }: Shape): Graph {
  const these = graphs.filter((graph) => graph.inverted === inverted);
  return these.find((graph) => graph.folded === folded) ?? these[0];
}

const made = new WeakMap<Graph, Map<string, Graph>>();

/** What is drawn: the stacks, or these by type, or the holders. */
export function graphOf(capture: Capture, shape: Shape): Graph {
  const plain = plainOf(capture, shape), { view, census, member } = shape, key = view === "types" ? `${census}` : `${view} ${member ?? "all"}`;
  if (view === "stacks" || (view === "types" ? census < 0 : !capture.holders && !keepersOf(capture, member).length)) return plain;
  const others = made.get(plain) ?? new Map<string, Graph>(), graph = others.get(key) ?? (view === "types" ? byType(capture, plain, census) : byHolder(capture, member));
  made.set(plain, others.set(key, graph));
  return graph;
}

const add = (figures: Figures, more: Figures): Figures => figures.map((figure, i) => figure + more[i]);
const sumOf = (frames: Frame[]): Pick<Frame, "figures" | "stacks" | "times"> => ({
  figures: frames.map(({ figures }) => figures).reduce(add),
  stacks: frames.reduce((sum, { stacks }) => sum + stacks, 0), times: Math.max(...frames.map(({ times }) => times)),
});

/** Calls into importlib below one frame, as one: what is imported is below them. */
function foldImports(children: Frame[]): Frame[] {
  const imports = children.filter((child) => child.imports);
  if (!imports.length) return children;
  return [...children.filter((child) => !child.imports), { ...imports[0], kind: "imports", func: null, line: 0, children: [], ...sumOf(imports) }];
}

/** What importlib calls, in its place: what its own frames hold is the caller's. */
function skipImportlib(children: Frame[]): Frame[] {
  const shown: Frame[] = [], open = [...children];
  for (let frame = open.pop(); frame; frame = open.pop()) {
    if (frame.imports) open.push(...frame.children.filter((child) => child.kind === "call"));
    else shown.push(frame);
  }
  return shown;
}

/** Frames that came below one caller, and look the same, are one. */
function mergeAlike(frames: Frame[]): Frame[] {
  const alike = new Map<string, Frame[]>();
  for (const frame of frames) {
    const key = frame.kind === "call" ? `${frame.func?.id}:${frame.line}` : `${frame.kind} ${frame.label ?? ""}`;
    const others = alike.get(key);
    if (others) others.push(frame); else alike.set(key, [frame]);
  }
  if (alike.size === frames.length) return frames;
  return [...alike.values()].map((same) => (same.length === 1 ? same[0] : { ...same[0], ...sumOf(same), children: same.flatMap(({ children }) => children) }));
}

function nextOf(frame: Frame, imports: Imports): Frame[] {
  const { children } = frame;
  return mergeAlike(imports === "one" ? foldImports(children) : imports === "short" ? skipImportlib(children) : children);
}

const isOwn = (frame: Frame): boolean => frame.kind === "call" && frame.func?.kind === "own";

/** What is in your own code, from its outermost frames on. */
function inOwn(frame: Frame, value: Value): number {
  let sum = 0;
  const open = [frame];
  for (let one = open.pop(); one; one = open.pop()) {
    if (isOwn(one)) sum += value(one);
    else open.push(...one.children);
  }
  return sum;
}

/** The frames between the start of a thread or server and your code, each with most of the one before, as one. What else they
 *  called is below it. */
function foldOuter(first: Frame, imports: Imports, value: Value): Frame {
  const outer: Frame[] = [], aside: Frame[] = [];
  let at = first;
  while (at.kind === "call" && !isOwn(at)) {
    const below = nextOf(at, imports), next = below.find((child) => child.kind === "call" && 2 * value(child) > value(at));
    if (!next) break;
    outer.push(at);
    aside.push(...below.filter((child) => child !== next));
    at = next;
  }
  if (outer.length < FEWEST || 2 * inOwn(at, value) < value(at)) return first;
  return { ...first, kind: "outer", func: null, line: 0, imports: false, children: [at, ...aside], outer };
}

/** Of stacks that are turned over: the callers of your code that are not yours, up to the outermost, as one. */
function foldCallers(first: Frame, imports: Imports, value: Value): Frame {
  const outer: Frame[] = [], aside: Frame[] = [];
  let at = first;
  for (;;) {
    const callers = nextOf(at, imports).filter((caller) => value(caller) > 0);
    if (isOwn(at) && (at.func?.name !== "<module>" || callers.length)) return first;
    if (isOwn(at) || at.kind !== "call") break;
    outer.push(at);
    const next = callers.find((caller) => 2 * value(caller) > value(at));
    aside.push(...callers.filter((caller) => caller !== next));
    if (!next) break;
    at = next;
  }
  if (outer.length < FEWEST || aside.some((other) => inOwn(other, value))) return first;
  const end = outer.includes(at) ? [] : [at];
  return { ...first, kind: "outer", func: null, line: 0, imports: false, children: [...end, ...aside], outer };
}

/** The frames below one as they are drawn. */
export function shownBelow(frame: Frame, root: Frame, shape: Shape, value: Value): Frame[] {
  const below = nextOf(frame, shape.imports).filter((child) => value(child) > 0);
  if (shape.outer && shape.inverted) return isOwn(frame) ? below.map((child) => foldCallers(child, shape.imports, value)) : below;
  const starts = frame === root || frame.kind === "type" || (isOwn(frame) && frame.func?.name === "<module>" && root.children.includes(frame));
  return starts && shape.outer ? below.map((child) => foldOuter(child, shape.imports, value)) : below;
}
