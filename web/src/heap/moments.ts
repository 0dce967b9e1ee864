// The heap at any moment of the run, or what grew between two: figures of frames and lines, as they are asked for.
import { Capture, CHANGED, Frame, Graph, HELD, Instant, isImporting, keyOf, Measure, Row } from "./capture";
import { seconds, size } from "./words";

/** A moment, or, with `from`, a range. */
export interface Chosen { from: number | null; to: number }

export const whenOf = ({ kind, time, name }: Instant): string =>
  kind === "mark" ? `\u201c${name}\u201d` : kind === "moment" ? seconds(time) : kind === "start" ? "the start" : `the ${kind}`;

export const signed = (bytes: number): string => (bytes < 0 ? `\u2212${size(-bytes)}` : bytes > 0 ? `+${size(bytes)}` : size(0));

/** What is drawn of a moment or a range. */
export function measureOf(instants: Instant[], { from, to }: Chosen): Measure {
  const end = whenOf(instants[to]);
  return from === null
    ? { key: "moment", name: `at ${end}`, of: HELD, bytes: true, about: "bytes that were there at this moment" }
    : { key: "growth", name: `${whenOf(instants[from])} to ${end}`, of: CHANGED, net: HELD, bytes: true, about: "bytes that came and stayed, less those that went, between two moments" };
}

/** What a frame itself held, or grew. */
function ownOf(held: number[] | undefined, { from, to }: Chosen): number {
  return held ? held[to] - (from === null ? 0 : held[from]) : 0;
}

/** Sets the frames' figures, callees included, of what each held itself. */
function fill({ frames, above }: Graph, ownOf: (frame: Frame) => number): void {
  for (const frame of frames) {
    const own = ownOf(frame);
    frame.figures[HELD] = own;
    frame.figures[CHANGED] = Math.abs(own);
  }
  for (let at = frames.length - 1; at > 0; at--)
    for (const figure of [HELD, CHANGED]) frames[above[at]].figures[figure] += frames[at].figures[figure];
}

export const fillFrames = (graph: Graph, chosen: Chosen): void => fill(graph, (frame) => ownOf(graph.held.get(frame), chosen));

/** The frames as one process of several had them; what the page does not know of it is one frame. Returns that frame's bytes. */
export function fillMember(graph: Graph, member: number, peak: number): number {
  const own = new Map(graph.members[member]), known = graph.members[member].reduce((sum, [, bytes]) => sum + bytes, 0), rest = Math.max(0, peak - known);
  fill(graph, (frame) => (frame.kind === "rest" ? rest : own.get(frame) ?? 0));
  return rest;
}

interface Sums { own: Map<string, number>; totals: Map<string, number>; yours: Map<string, number>; elsewhere: number }

const addTo = (sums: Map<string, number>, key: string, more: number): void => { sums.set(key, (sums.get(key) ?? 0) + more); };

/** By line: what it held itself; with its callees, once where it recurs; of your lines up to the next of yours. */
function sumLines({ root }: Graph, isYours: (frame: Frame) => boolean, importing: string): Sums {
  const sums: Sums = { own: new Map(), totals: new Map(), yours: new Map(), elsewhere: 0 }, inside = new Map<string, number>();
  const visit = (frame: Frame, user: string): void => {
    const key = frame.imports ? importing : frame.kind === "call" ? keyOf(frame.func, frame.line) : "", mine = isYours(frame) ? key : user;
    const net = frame.figures[HELD], own = net - frame.children.reduce((sum, child) => sum + child.figures[HELD], 0), depth = inside.get(key) ?? 0;
    if (key) addTo(sums.own, key, own);
    if (key && !depth) addTo(sums.totals, key, net);
    if (mine) addTo(sums.yours, mine, own);
    else if (frame.kind !== "own") sums.elsewhere += own;
    inside.set(key, depth + 1);
    for (const child of frame.children) visit(child, mine); // 400 deep at most
    inside.set(key, depth);
  };
  visit(root, "");
  return sums;
}

/** Sets the figures of the lines that have rows, and of those that the graph shows beside them. */
export function fillLines(capture: Capture, others: Iterable<Row>): void {
  const { yours, all, elsewhere, own, graphs } = capture, users = new Set(yours.rows.map(({ func }) => func));
  const importing = all.rows.find(({ func, line }) => isImporting(func, line)), key = importing ? keyOf(importing.func, importing.line) : "";
  const sums = sumLines(graphs[0], ({ kind, func }) => kind === "call" && !!func && (users.has(func) || func.kind === "own"), key);
  const fill = (row: Row, of: Map<string, number>): void => {
    const place = keyOf(row.func, row.line);
    row.figures[HELD] = of.get(place) ?? 0;
    row.totals[3] = sums.totals.get(place) ?? 0;
  };
  for (const row of others) fill(row, sums.own);
  for (const row of all.rows) fill(row, sums.own);
  for (const row of yours.rows) fill(row, sums.yours);
  elsewhere[HELD] = sums.elsewhere;
  own[HELD] = graphs[0].frames.reduce((sum, frame) => sum + (frame.kind === "own" ? frame.figures[HELD] : 0), 0);
}

/** What each line held at each moment, with all that it called. */
export function curvesOf({ graphs: [{ frames, above, held }] }: Capture): Map<string, number[]> {
  const curves = new Map<string, number[]>();
  frames.forEach((frame, number) => {
    const its = held.get(frame), seen = new Set<string>();
    for (let at = number; its && at > 0; at = above[at]) {
      const { func, line, kind } = frames[at], key = kind === "call" ? keyOf(func, line) : "";
      if (!key || seen.has(key)) continue;
      seen.add(key);
      const curve = curves.get(key);
      if (curve) its.forEach((bytes, i) => { curve[i] += bytes; }); else curves.set(key, [...its]);
    }
  });
  return curves;
}
