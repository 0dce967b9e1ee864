// What is used of two modules that come without types.
declare module "d3-selection" {
  export interface Selection { datum(data: unknown): Selection; call(chart: unknown): Selection }
  export function select(element: Element): Selection;
}

declare module "d3-flame-graph" {
  export interface Node<T> {
    data: T; parent: Node<T> | null; children?: Node<T>[]; x0: number; x1: number; depth: number; value: number;
  }
  interface Tip { (): void; show(event: MouseEvent): void; hide(): void }
  export interface Chart<T> {
    width(pixels: number): Chart<T>;
    cellHeight(pixels: number): Chart<T>;
    minFrameSize(pixels: number): Chart<T>;
    transitionDuration(ms: number): Chart<T>;
    inverted(on: boolean): Chart<T>;
    resetHeightOnZoom(on: boolean): Chart<T>;
    tooltip(tip: Tip): Chart<T>;
    getName(name: (node: Node<T>) => string): Chart<T>;
    setColorMapper(colour: (node: Node<T>, usual: string) => string): Chart<T>;
    onClick(done: (node: Node<T>) => void): Chart<T>;
    update(data?: T): Chart<T>;
    zoomTo(node: Node<T>): void;
  }
  export default function flamegraph<T>(): Chart<T>;
}
