// The graph as something else than stacks: first what the blocks are, or by whom objects are held.
import { Capture, Frame, Graph, Holder, Holders, Keeper } from "./capture";
import { count, many, size } from "./words";

export type View = "stacks" | "types" | "holders";

const blank = (id: number, kind: Frame["kind"], label = ""): Frame =>
  ({ id, kind, label, func: null, line: 0, stacks: 0, figures: Array.from({ length: 9 }, () => 0), children: [], imports: false, times: 0, outer: [] });

/** Bytes, whatever measure is drawn. */
function add(frame: Frame, bytes: number): void {
  frame.figures = frame.figures.map((figure, i) => (i === 0 || i === 2 || i > 6 ? figure + bytes : figure));
}

const whole = (root: Frame, like: Graph): Graph => ({ ...like, root, frames: [root], above: [0], held: new Map(), members: [], typed: [] });

/** Each type with the stacks of its objects below it, as the graph has them. */
export function byType(capture: Capture, graph: Graph, census: number): Graph {
  let id = 1e7 * (1 + census);
  const root = blank(id++, "root"), { rows, more } = capture.censuses[census];
  for (const { type, cells } of graph.typed[census] ?? []) {
    const top = { ...blank(id++, "type", capture.types[type]), type }, copies = new Map<number, Frame>([[0, top]]);
    const copyOf = (at: number): Frame => {
      const known = copies.get(at);
      if (known) return known;
      const copy: Frame = { ...graph.frames[at], id: id++, figures: blank(0, "call").figures, children: [], type };
      copies.set(at, copy);
      copyOf(graph.above[at]).children.push(copy); // 400 deep at most
      return copy;
    };
    for (const [frame, bytes] of cells) {
      copyOf(frame);
      for (let at = frame; at > 0; at = graph.above[at]) add(copyOf(at), bytes);
      add(top, bytes);
      add(root, bytes);
    }
    root.children.push(top);
  }
  const all = rows.reduce((sum, [, , bytes, kept]) => sum + bytes + kept, more[2] + more[3]), rest = all - root.figures[0];
  if (rest > 0) {
    const other = blank(id++, "rest");
    add(other, rest);
    add(root, rest);
    root.children.push(other);
  }
  return whole(root, graph);
}

const OTHER_WAYS = "(other ways)";
const PART = /\([^)]*\)|\['[^']*'\]|\[[^\]]*\]| \u2192 [^ []+| \(keys\)|\.[^.[ ]+|[^.[ ]+|./gu;

/** "app.CACHE._data['user:\u2026'].items[\u2026]" as the names on the way. */
export const partsOf = (path: string): string[] => path.match(PART) ?? [path];

const factsOf = (path: string, { of, objects, retained }: Holder): string[] =>
  [path, `${many(objects, "object")} of ${of}`, ...(retained ? [`${objects === 1 ? "it retains" : "they retain"} ${size(retained)}: what would go with ${objects === 1 ? "it" : "them"}`] : [])];

const typeOf = ({ types }: Capture, of: string): number => types.findIndex((name) => name === of || name.endsWith(`.${of}`));

/** What a way adds to the one that it leads through. */
function below(path: string, above: string): string {
  const parts = partsOf(path), others = partsOf(above), same = parts.findIndex((part, i) => part !== others[i]);
  return parts.slice(Math.max(same, 0)).join("").trim();
}

/** What retains much, below the frame of all: each is as wide as what would go with it, and above what it alone keeps. Returns the next number. */
function addOwners(root: Frame, capture: Capture, { rows, reached }: Holders, first: number): number {
  let id = first, shown = 0;
  const made: Frame[] = [], owners = rows.filter(({ kind }) => kind === "owner");
  for (const { of, path, objects, bytes, retained, others } of owners) {
    const above = owners[others - 1], several = objects > 1, its = several ? "their" : "its";
    const name = several ? `${count(objects)} ${of}` : below(path, above?.path ?? "");
    const facts = [several ? `such as ${path}` : path, `${several ? "they retain" : "it retains"} ${size(retained)}: what would go with ${several ? "them" : "it"}`, `${its} own size is ${size(bytes)}`];
    const frame = { ...blank(id++, "held", several || name.endsWith(of) || (!above && of === "dict") ? name : // a module is its dict
      `${name}: ${of}`), facts, type: typeOf(capture, of) };
    add(frame, retained);
    (made[others - 1] ?? root).children.push(frame);
    made.push(frame);
    if (!others) shown += retained;
  }
  if (reached > shown) {
    const rest = { ...blank(id++, "rest", "(what retains less)"), facts: ["objects that nothing larger keeps alone, and that retain little"] };
    add(rest, reached - shown);
    root.children.push(rest);
  }
  add(root, Math.max(reached, shown));
  return id;
}

const RETAINS = "each is as wide as what it retains: what would go with it";

/** The owners of one process; of several each below its name, the largest first. */
function byKeeper(capture: Capture, keepers: Keeper[]): Graph {
  let id = 9e8;
  const root = blank(id++, "root", keepers.length === 1 ? keepers[0].name : ""), both = `${many(keepers.length, "process", "processes")} side by side, `;
  root.facts = [`${keepers.length === 1 ? "" : both}${RETAINS}`];
  if (keepers.length === 1) addOwners(root, capture, keepers[0], id);
  for (const keeper of keepers.length > 1 ? keepers : []) {
    const top = { ...blank(id++, "held", keeper.name), facts: [`what anything held in this process, ${many(keeper.objects, "object")} in all`] };
    id = addOwners(top, capture, keeper, id);
    add(root, top.figures[0]);
    root.children.push(top);
  }
  return whole(root, capture.graphs[0]);
}

/** Those of a process, or of all. */
export const keepersOf = ({ keepers }: Capture, member: number | null): Keeper[] => keepers.filter((keeper) => member === null || keeper.member === member);

/** What retains much. */
function byOwner(capture: Capture, holders: Holders): Graph {
  const root = blank(9e8, "root");
  root.facts = [RETAINS];
  addOwners(root, capture, holders, 9e8 + 1);
  return whole(root, capture.graphs[0]);
}

/** Objects by the names that lead to them: each is below the one that its shortest way goes through. */
export function byHolder(capture: Capture, member: number | null): Graph {
  if (!capture.holders) return byKeeper(capture, keepersOf(capture, member));
  let id = 9e8;
  const root = blank(id++, "root"), nodes = new Map<string, Frame>([["", root]]), { rows, reached } = capture.holders;
  if (rows.some(({ kind }) => kind === "owner")) return byOwner(capture, capture.holders);
  const enter = (parts: string[]): Frame[] => {
    const way = [root];
    parts.forEach((part, i) => {
      const path = parts.slice(0, i + 1).join(""), known = nodes.get(path), made = known ?? { ...blank(id++, "held", part.trim()), facts: [path] };
      if (!known) way[i].children.push(made);
      nodes.set(path, made);
      way.push(made);
    });
    return way;
  };
  for (const row of rows.filter(({ kind }) => kind === "type")) {
    const way = enter(row.others ? [OTHER_WAYS, ` ${row.of}`] : partsOf(row.path)), last = way[way.length - 1];
    for (const frame of way) add(frame, row.bytes);
    last.facts = [...(last.facts ?? []), ...factsOf(row.path || `${many(row.others, "other way")}, none of which holds much`, row).slice(row.others ? 0 : 1)];
    last.type = typeOf(capture, row.of);
    if (row.others) continue;
    if (!last.label?.endsWith(row.of)) last.label = `${last.label}: ${row.of}`;
  }
  for (const { path, retained } of rows.filter(({ kind }) => kind === "largest")) {
    const frame = nodes.get(path), told = `it retains ${size(retained)}: what would go with it`;
    if (frame && !frame.facts?.includes(told)) frame.facts = [...(frame.facts ?? []), told];
  }
  const others = nodes.get(OTHER_WAYS);
  if (others) others.kind = "rest"; // last
  const rest = reached - root.figures[0];
  if (rest > 0) {
    const other = { ...blank(id++, "rest", "(smaller types)"), facts: ["objects of types that are not among the largest"] };
    add(other, rest);
    add(root, rest);
    root.children.push(other);
  }
  return whole(root, capture.graphs[0]);
}
