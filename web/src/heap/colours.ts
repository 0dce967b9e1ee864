// Colours by type: what most of a frame's bytes are, and the legend that says so.
import { Capture, Frame, Graph } from "./capture";
import { size } from "./words";

/** Far from each other; all other types are grey. */
const HUES = [210, 32, 140, 280, 350, 180, 58, 320, 95, 245];
const MOSTLY = 0.5, LEAST = 0.002;

const numbered = new WeakMap<Graph, Map<number, Map<number, Main>>>();

interface Main { type: number; share: number }

/** Of each frame, by its id, the type of which most is in it and below. */
function mainTypes(graph: Graph, census: number): Map<number, Main> {
  const { frames, above, typed } = graph, most = new Float64Array(frames.length), all = new Float64Array(frames.length), main = new Int32Array(frames.length).fill(-1);
  for (const { type, cells } of typed[census] ?? []) {
    const sums = new Float64Array(frames.length);
    for (const [frame, bytes] of cells) sums[frame] += bytes;
    for (let at = frames.length - 1; at > 0; at--) sums[above[at]] += sums[at];
    sums.forEach((sum, at) => {
      all[at] += sum;
      if (sum > most[at]) [most[at], main[at]] = [sum, type];
    });
  }
  return new Map(frames.flatMap(({ id }, at): [number, Main][] => (main[at] < 0 ? [] : [[id, { type: main[at], share: most[at] / all[at] }]])));
}

export function mainTypeOf(graph: Graph, census: number, frame: Frame): Main | undefined {
  if (frame.type !== undefined) return { type: frame.type, share: 1 };
  const of = numbered.get(graph) ?? new Map<number, Map<number, Main>>(), mains = of.get(census) ?? mainTypes(graph, census);
  numbered.set(graph, of.set(census, mains));
  return mains.get(frame.id);
}

/** Types with a colour, the largest first. */
function coloured(capture: Capture, census: number): number[] {
  const { rows } = capture.censuses[census], held = ([, , bytes, kept]: number[]): number => bytes + kept, all = rows.reduce((sum, row) => sum + held(row), 0);
  return rows.slice(0, HUES.length).filter((row) => held(row) >= LEAST * all).map(([type]) => type);
}

function colour(rank: number, dark: boolean, pale: boolean): string {
  if (rank < 0) return dark ? "#3a424d" : "#d9dee5";
  return dark ? `hsl(${HUES[rank]} ${pale ? 18 : 42}% ${pale ? 28 : 34}%)` : `hsl(${HUES[rank]} ${pale ? 34 : 68}% ${pale ? 87 : 76}%)`;
}

/** Pale where it is less than half of it. */
export function typeColour(capture: Capture, graph: Graph, census: number, frame: Frame, dark: boolean): string {
  const main = mainTypeOf(graph, census, frame);
  return colour(main ? coloured(capture, census).indexOf(main.type) : -1, dark, !!main && main.share < MOSTLY);
}

/** The names of the colours. */
export function legend(place: HTMLElement, capture: Capture, census: number, dark: boolean): void {
  place.hidden = census < 0;
  if (census < 0) return;
  place.replaceChildren(...coloured(capture, census).map((type, rank) => {
    const item = document.createElement("li"), swatch = document.createElement("i"), [, , bytes, kept] = capture.censuses[census].rows[rank];
    swatch.style.background = colour(rank, dark, false);
    item.append(swatch, `${capture.types[type]} `);
    const much = document.createElement("small");
    much.textContent = size(bytes + kept);
    item.append(much);
    return item;
  }));
}
