// The flame graph: what is drawn of the tree, where the reader is in it, and what was found.
import flamegraph, { Node } from "d3-flame-graph";
import { select } from "d3-selection";
import { isDark } from "../theme";
import { Capture, Frame, Measure, isImporting, nameOf, Place, shortPlaceOf, sourceOf, wordsOf } from "./capture";
import { graphOf, Shape, shownBelow } from "./shape";

const CELL = 20, NARROWEST = 2, WIDE = 220;

/** A frame as the library wants it; `fade` and `hide` are its own. */
export interface Drawn { frame: Frame; value: number; children: Drawn[] }
type Shown = Node<Drawn>;

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** A frame's text: its name and place or, where it is known, its source. */
export function label(frame: Frame, source: boolean): string {
  const text = source ? sourceOf(frame.func, frame.line) : "", times = frame.times > 1 ? ` \u00d7${frame.times}` : "";
  if (text) return text + times;
  return frame.kind === "call" && frame.func?.path ? `${nameOf(frame)}${times}  ${shortPlaceOf(frame.func, frame.line)}` : nameOf(frame);
}

/** From -1, all shrank, to 1, all grew: blue to red, grey where they are even. */
function growthColour(share: number, dark: boolean): string {
  const much = Math.min(1, Math.abs(share)), hue = share > 0 ? 6 : 214;
  return dark ? `hsl(${hue} ${(18 + 34 * much).toFixed(0)}% ${(27 + 15 * much).toFixed(0)}%)` : `hsl(${hue} ${(16 + 70 * much).toFixed(0)}% ${(89 - 19 * much).toFixed(0)}%)`;
}

/** What is drawn last, however wide. */
const isRest = ({ frame: { kind } }: Drawn): boolean => !["call", "type", "held"].includes(kind);

export interface Found { frames: number; value: number }

export class Flame {
  private readonly chart = flamegraph<Drawn>();
  private readonly hold: HTMLElement;
  private readonly drawn = new Map<number, Shown>();
  private matches = new Set<Frame>();
  private focus: number;
  private measure: Measure;
  private quiet = false;
  private whole: Shown | null = null;
  current: Frame;
  colourOf: ((frame: Frame) => string) | null = null; // instead of those by code
  sizeOf: (frame: Frame) => string = () => "";
  onMove: (frame: Frame) => void = () => undefined;
  onZoom: (zoomed: boolean) => void = () => undefined;

  constructor(private readonly place: HTMLElement, private readonly capture: Capture, measure: Measure, private shape: Shape) {
    this.measure = measure;
    this.current = this.root;
    this.focus = this.root.id;
    this.hold = document.createElement("div");
    place.append(this.hold);
    const tip = Object.assign(() => undefined, { show: () => undefined, hide: () => undefined });
    this.chart.width(this.room()).cellHeight(CELL).minFrameSize(NARROWEST).inverted(true).resetHeightOnZoom(true)
      .transitionDuration(0).tooltip(tip).getName((node) => label(node.data.frame, this.shape.source))
      .setColorMapper((node) => this.colour(node.data.frame)).onClick((node) => this.zoomed(node));
    select(this.hold).datum(this.build()).call(this.chart);
    this.decorate();
  }

  private room(): number {
    return Math.max(200, this.place.clientWidth);
  }

  get root(): Frame {
    return graphOf(this.capture, this.shape).root;
  }

  private build(): Drawn {
    const value = (frame: Frame): number => Math.max(0, frame.figures[this.measure.of]);
    const top = this.root, root: Drawn = { frame: top, value: value(top), children: [] };
    const open = [root];
    for (let one = open.pop(); one; one = open.pop()) {
      one.children = shownBelow(one.frame, top, this.shape, value).map((frame) => ({ frame, value: value(frame), children: [] }));
      one.children.sort((a, b) => Number(isRest(a)) - Number(isRest(b)) || b.value - a.value);
      open.push(...one.children);
    }
    return root;
  }

  private colour(frame: Frame): string {
    const dark = isDark();
    if (this.matches.has(frame)) return dark ? "#c026d3" : "#e879f9";
    if (this.measure.net !== undefined) return growthColour(frame.figures[this.measure.net] / (frame.figures[this.measure.of] || 1), dark);
    if (this.colourOf) return this.colourOf(frame);
    if (frame.kind === "type" || frame.kind === "held") return dark ? "#2d4a6b" : "#bcd3ea";
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
    const searching = this.matches.size > 0, room = this.room(); // asked for once: it lays the page out
    for (const cell of this.cells()) {
      const node = cell.__data__, { frame } = node.data;
      this.drawn.set(frame.id, node);
      cell.classList.toggle("current", frame.id === this.current.id);
      cell.classList.toggle("same", !searching && frame.id !== this.current.id && !!frame.func && frame.func === this.current.func && frame.line === this.current.line);
      cell.classList.toggle("other", searching && !this.matches.has(frame));
      if (!node.parent) this.whole = node;
      const text = cell.querySelector<HTMLElement>(".d3-flame-graph-label"), wide = (node.x1 - node.x0) * room >= WIDE;
      if (text) text.dataset.size = wide ? this.sizeOf(frame) : "";
    }
  }

  private zoomed(node: Shown): void {
    if (this.quiet) return;
    this.focus = node.data.frame.id;
    this.current = node.data.frame;
    this.decorate();
    this.onZoom(this.isZoomed());
    this.onMove(this.current);
  }

  private isZoomed(): boolean {
    return this.focus !== this.root.id;
  }

  private redraw(change: () => void): void {
    this.quiet = true; // nobody moved
    this.chart.transitionDuration(0);
    change();
    const wanted = this.drawnAll().find((node) => node.data.frame.id === this.focus);
    if (this.isZoomed() && wanted) this.chart.zoomTo(wanted);
    else this.focus = this.root.id;
    this.quiet = false;
    this.chart.transitionDuration(still.matches ? 0 : 200);
    this.decorate();
    this.onZoom(this.isZoomed());
  }

  /** Also those that are too narrow now. */
  private drawnAll(): Shown[] {
    this.decorate();
    const all: Shown[] = this.whole ? [this.whole] : [];
    for (let i = 0; i < all.length; i++) all.push(...(all[i].children ?? []));
    return all;
  }

  show(measure: Measure, shape: Shape): void {
    const before = this.root;
    this.measure = measure;
    this.shape = shape;
    if (before !== this.root) [this.focus, this.current] = [this.root.id, this.root];
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

  /** Marks frames; tells how many, and their share without overlaps. */
  private mark(isWanted: (frame: Frame) => boolean): Found {
    const open: [Shown, boolean][] = this.drawnAll().slice(0, 1).map((root) => [root, false]);
    let value = 0, largest: Shown | null = null;
    this.matches = new Set();
    for (let next = open.pop(); next; next = open.pop()) {
      const [node, inside] = next, { frame } = node.data, found = frame.kind !== "root" && [frame, ...frame.outer].some(isWanted);
      if (found) this.matches.add(frame);
      if (found && !inside) value += node.data.value;
      if (found && node.data.value > (largest?.data.value ?? 0)) largest = node;
      for (const child of node.children ?? []) open.push([child, inside || found]);
    }
    if (largest && this.matches.size && !this.matches.has(this.current)) this.current = largest.data.frame;
    return { frames: this.matches.size, value };
  }

  search(words: string): Found {
    const wanted = words.trim().toLowerCase();
    const found = this.mark((frame) => !!wanted && wordsOf(frame.func, frame.line, nameOf(frame)).includes(wanted));
    this.repaint();
    return found;
  }

  /** The frames of a line; where it is all of import machinery, those. */
  choose({ func, line }: Place): Found {
    const importing = isImporting(func, line);
    const found = this.mark((frame) => (importing ? frame.kind === "imports" || frame.imports : frame.func === func && frame.line === line));
    this.repaint();
    return found;
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
