// The flame graph: what is drawn of the tree, where the reader is in it, and what was found.
import flamegraph, { Node } from "d3-flame-graph";
import { select } from "d3-selection";
import { isDark } from "../theme";
import { Capture, Figures, Frame, Measure, nameOf, placeOf, shortPlaceOf } from "./capture";

const CELL = 20, NARROWEST = 2;

/** A frame as the library wants it; `fade` and `hide` are its own. */
export interface Drawn { frame: Frame; value: number; children: Drawn[] }
type Shown = Node<Drawn>;

const still = matchMedia("(prefers-reduced-motion: reduce)");

const label = (frame: Frame): string =>
  frame.kind === "call" && frame.func?.path ? `${nameOf(frame)}  ${shortPlaceOf(frame.func, frame.line)}` : nameOf(frame);

function add(figures: Figures, more: Figures): Figures {
  return figures.map((figure, i) => figure + more[i]);
}

export type Imports = "full" | "short" | "one";

/** Calls into importlib below one frame, as one: what is imported is below them. */
function foldImports(children: Frame[], parent: Frame): Frame[] {
  const imports = children.filter((child) => child.imports);
  if (!imports.length) return children;
  const one: Frame = { ...imports[0], kind: "imports", func: null, line: 0, children: [], parent, stacks: 0, figures: imports[0].figures.map(() => 0) };
  for (const { stacks, figures } of imports) {
    one.stacks += stacks;
    one.figures = add(one.figures, figures);
  }
  return [...children.filter((child) => !child.imports), one];
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

function calleesOf(frame: Frame, imports: Imports): Frame[] {
  return imports === "one" ? foldImports(frame.children, frame) : imports === "short" ? skipImportlib(frame.children) : frame.children;
}

export class Flame {
  private readonly chart = flamegraph<Drawn>();
  private readonly hold: HTMLElement;
  private readonly drawn = new Map<number, Shown>();
  private matches = new Set<Frame>();
  private focus = 0;
  private measure: Measure;
  private imports: Imports = "short";
  private whole: Shown | null = null;
  current: Frame;
  onMove: (frame: Frame) => void = () => undefined;
  onZoom: (zoomed: boolean) => void = () => undefined;

  constructor(private readonly place: HTMLElement, private readonly capture: Capture, measure: Measure) {
    this.measure = measure;
    this.current = capture.root;
    this.hold = document.createElement("div");
    place.append(this.hold);
    const tip = Object.assign(() => undefined, { show: () => undefined, hide: () => undefined });
    this.chart.width(this.room()).cellHeight(CELL).minFrameSize(NARROWEST).inverted(true).resetHeightOnZoom(true)
      .transitionDuration(0).tooltip(tip).getName((node) => label(node.data.frame))
      .setColorMapper((node) => this.colour(node.data.frame)).onClick((node) => this.zoomed(node));
    select(this.hold).datum(this.build()).call(this.chart);
    this.decorate();
  }

  private room(): number {
    return Math.max(200, this.place.clientWidth);
  }

  private build(): Drawn {
    const value = (frame: Frame): number => Math.max(0, frame.figures[this.measure.of]);
    const root: Drawn = { frame: this.capture.root, value: value(this.capture.root), children: [] };
    const open = [root];
    for (let one = open.pop(); one; one = open.pop()) {
      one.children = calleesOf(one.frame, this.imports).filter((frame) => value(frame) > 0).map((frame) => ({ frame, value: value(frame), children: [] }));
      one.children.sort((a, b) => Number(a.frame.kind !== "call") - Number(b.frame.kind !== "call") || b.value - a.value);
      open.push(...one.children);
    }
    return root;
  }

  private colour(frame: Frame): string {
    const dark = isDark();
    if (this.matches.has(frame)) return dark ? "#c026d3" : "#e879f9";
    const kind = frame.func?.kind ?? "none", light = dark ? 34 : 72;
    if (kind === "none") return dark ? "#3a424d" : "#d9dee5";
    const saturation = kind === "own" ? (dark ? 62 : 88) : kind === "standard" ? (dark ? 18 : 26) : (dark ? 34 : 46);
    return `hsl(${frame.func?.hue.toFixed(0)} ${saturation}% ${kind === "own" ? light - 2 : light + (dark ? 0 : 6)}%)`;
  }

  private cells(): NodeListOf<SVGGElement & { __data__: Shown }> {
    return this.hold.querySelectorAll("g.frame");
  }

  /** What the library does not know: the frame the reader is on, and what was found. */
  private decorate(): void {
    this.drawn.clear();
    const searching = this.matches.size > 0;
    for (const cell of this.cells()) {
      const node = cell.__data__, { frame } = node.data;
      this.drawn.set(frame.id, node);
      cell.classList.toggle("current", frame.id === this.current.id);
      cell.classList.toggle("other", searching && !this.matches.has(frame));
      if (!node.parent) this.whole = node;
    }
  }

  private zoomed(node: Shown): void {
    this.focus = node.data.frame.id;
    this.current = node.data.frame;
    this.decorate();
    this.onZoom(this.focus !== 0);
    this.onMove(this.current);
  }

  private redraw(change: () => void): void {
    this.chart.transitionDuration(0);
    change();
    const wanted = this.drawnAll().find((node) => node.data.frame.id === this.focus);
    if (this.focus && wanted) this.chart.zoomTo(wanted);
    else this.focus = 0;
    this.chart.transitionDuration(still.matches ? 0 : 200);
    this.decorate();
    this.onZoom(this.focus !== 0);
  }

  /** Also those that are too narrow now. */
  private drawnAll(): Shown[] {
    this.decorate();
    const all: Shown[] = this.whole ? [this.whole] : [];
    for (let i = 0; i < all.length; i++) all.push(...(all[i].children ?? []));
    return all;
  }

  show(measure: Measure, imports: Imports): void {
    this.measure = measure;
    this.imports = imports;
    this.redraw(() => this.chart.update(this.build()));
  }

  turn(icicle: boolean): void {
    this.redraw(() => this.chart.inverted(icicle).update());
  }

  resize(): void {
    this.redraw(() => this.chart.width(this.room()).update());
  }

  repaint(): void {
    this.redraw(() => this.chart.update());
  }

  reset(): void {
    const [root] = this.drawnAll();
    if (root) this.chart.zoomTo(root);
  }

  zoom(): void {
    const node = this.drawn.get(this.current.id);
    if (node) this.chart.zoomTo(node);
  }

  /** Marks what the words are found in; tells how many frames, and their share without overlaps. */
  search(words: string): { frames: number; value: number } {
    const wanted = words.trim().toLowerCase();
    this.matches = new Set();
    let value = 0;
    const open: [Shown, boolean][] = this.drawnAll().slice(0, 1).map((root) => [root, false]);
    for (let next = open.pop(); wanted && next; next = open.pop()) {
      const [node, inside] = next, { frame } = node.data;
      const found = frame.kind !== "root" && `${nameOf(frame)} ${placeOf(frame.func, frame.line)}`.toLowerCase().includes(wanted);
      if (found) this.matches.add(frame);
      if (found && !inside) value += node.data.value;
      for (const child of node.children ?? []) open.push([child, inside || found]);
    }
    this.repaint();
    return { frames: this.matches.size, value };
  }

  frameAt(target: EventTarget | null): Frame | null {
    const cell = target instanceof Element ? target.closest("g.frame") : null;
    return (cell as (SVGGElement & { __data__: Shown }) | null)?.__data__.data.frame ?? null;
  }

  /** One step: to the caller, into the largest callee, or to a neighbour of the same depth. */
  step(way: "out" | "in" | "before" | "after"): void {
    const node = this.drawn.get(this.current.id) ?? this.whole;
    if (!node) return;
    const seen = (other: Shown | null | undefined): other is Shown => !!other && this.drawn.has(other.data.frame.id);
    const row = [...this.drawn.values()].filter((other) => other.depth === node.depth).sort((a, b) => a.x0 - b.x0);
    const at = row.indexOf(node);
    const next = way === "out" ? node.parent : way === "in" ? node.children?.find(seen) : row[at + (way === "before" ? -1 : 1)];
    if (!seen(next)) return;
    this.current = next.data.frame;
    this.decorate();
    this.hold.querySelector("g.current")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.onMove(this.current);
  }
}
