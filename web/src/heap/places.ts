// The lines that the graph shows though no table has a row for them: callers alone, and those too small for a row.
import { Capture, Frame, keyOf, Row } from "./capture";

/** Each line of the graph with its figures there; a line that calls itself again has its total once. */
export function placesOf({ root }: Capture): Map<string, Row> {
  const places = new Map<string, Row>(), open = new Map<string, number>();
  const enter = (frame: Frame): void => {
    const key = frame.kind === "call" ? keyOf(frame.func, frame.line) : "", { figures } = frame;
    if (!key || !frame.func) return;
    const row = places.get(key) ?? { func: frame.func, line: frame.line, figures: figures.map(() => 0), totals: [0, 0, 0, 0], marks: 0 };
    places.set(key, row);
    row.figures = row.figures.map((figure, i) => figure + figures[i] - frame.children.reduce((sum, child) => sum + child.figures[i], 0));
    if (!open.get(key)) row.totals = row.totals.map((total, i) => total + (i < 3 ? figures[2 * i] : 0));
    open.set(key, (open.get(key) ?? 0) + 1);
  };
  const stack: [Frame, boolean][] = [[root, false]];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [frame, left] = next, key = keyOf(frame.func, frame.line);
    if (left) {
      open.set(key, (open.get(key) ?? 1) - 1);
      continue;
    }
    enter(frame);
    stack.push([frame, true]);
    for (const child of frame.children) stack.push([child, false]);
  }
  return places;
}
