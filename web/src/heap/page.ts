// The page of a heap capture: one capture, four measures, drawn as flame graph and as lines.
import { isDark, onTheme } from "../theme";
import { Frame, HELD, IMPORTING, isImporting, Measure, MEASURES, nameOf, Place, placeOf, readCapture, Row, shortPlaceOf, sourceOf } from "./capture";
import { legend, mainTypeOf, typeColour } from "./colours";
import { Flame } from "./flame";
import { keepersOf, View } from "./grouped";
import { listen, manual } from "./keys";
import { Lines } from "./lines";
import { Imports, plainOf, Shape } from "./shape";
import { Members } from "./members";
import { Chosen, fillFrames, fillMember, measureOf, signed, whenOf } from "./moments";
import { Source } from "./source";
import { timeline } from "./timeline";
import { Types } from "./types";
import { count, estimate, many, percent, seconds, size } from "./words";

const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const capture = readCapture(byId("data").textContent ?? "");
const { root, counted } = capture;
const tip = byId("tip"), search = byId<HTMLInputElement>("search");
const select = (id: string): HTMLSelectElement => byId<HTMLSelectElement>(id);
const valueOf = (frame: Frame, measure: Measure): number => Math.max(0, frame.figures[measure.of]);
/** With its sign, of growth. */
const netOf = (frame: Frame, measure: Measure): number => frame.figures[measure.net ?? measure.of];
const sized = (bytes: number): string => estimate(bytes, capture.sample);
const shown = (value: number, { bytes, net }: Measure): string => (net !== undefined ? signed(value) : bytes ? sized(value) : many(value, "block"));

const shownShort = (value: number, { bytes, net }: Measure): string => (net !== undefined ? signed(value) : bytes ? size(value) : count(value));

let measure: Measure = MEASURES.find((one) => valueOf(root, one) > 0) ?? MEASURES[0], icicle = true;
let view: View = "stacks", inverted = capture.inverted, chosen: Chosen | null = null, picked: Place | null = null;
let member: number | null = null;
/** The count that is of what is drawn; -1: there is none. */
function censusOf({ key }: Measure): number {
  const at = key === "peak" ? "peak" : key === "live" ? "end" : key === "moment" && chosen ? chosen.to : -1;
  return capture.censuses.findIndex((census) => census.at.includes(at));
}
const shape = (): Shape => ({
  inverted, view, member, census: censusOf(measure), imports: select("imports").value as Imports, folded: select("recursion").value === "once",
  outer: select("outer").value === "one", source: byId("source").getAttribute("aria-pressed") === "true",
});
select("recursion").value = capture.graphs[0].folded ? "once" : "full";
const flame = new Flame(byId("graph"), capture, measure, shape()), lines = new Lines(byId("lines"), capture);
const types = new Types(byId("types"), capture);
const members = new Members(byId("members"), select("member"), capture);
const source = new Source(byId("listing"), select("files"), capture, lines.places);

/** What one looks for first: how much, and which line. */
function answer(): string {
  const whole = root.figures[0], { rows } = capture.yours.rows.length ? capture.yours : capture.all;
  const first = rows.reduce<Row | null>((most, row) => (row.figures[0] > (most?.figures[0] ?? 0) ? row : most), null);
  const peak = capture.processes > 1 ? `Peaks of ${count(capture.processes)} processes, ${sized(counted.peak)} in all` : `Peak ${sized(counted.peak)}`;
  if (!first || !whole) return `${peak}.`;
  const { func, line, figures } = first, place = isImporting(func, line) ? IMPORTING : `${func.name} ${shortPlaceOf(func, line)}`;
  const source = sourceOf(func, line);
  return `${peak}, ${percent(figures[0], whole)} of it (${size(figures[0])}) by ${capture.yours.rows.length ? "your line" : "the line"} ${place}${source ? `: ${source}` : ""}`;
}

/** What was run; a kernel's words say nothing. */
function command(): string[] {
  if (/ -m ipykernel_launcher /.test(capture.command)) return ["in a notebook"];
  return capture.command ? [capture.command] : [];
}

function summary(): string {
  return [
    ...command(),
    capture.processes > 1 ? `peaks of ${count(capture.processes)} processes, each at its own, ${sized(counted.peak)} in all`
      : `peak ${sized(counted.peak)} after ${seconds(capture.peak_time)}`,
    ...(capture.reserved ? [`held ${sized(capture.held)}, reserved ${size(capture.reserved)} not in memory`] : []),
    `${sized(counted.live)} still live after ${seconds(capture.elapsed)}`,
    `${sized(counted.total)} in ${many(counted.blocks, "allocation")}, ${percent(counted.temporary, counted.blocks)} temporary`,
    ...(capture.processes > 1 ? [] : [`process ${capture.pid}`]), new Date(capture.start * 1000).toLocaleString(),
  ].join(" \u00b7 ");
}

/** The stacks of a capture that was read while it changed need not sum to its counters. */
function disagreement(): string {
  const [peak, , live] = root.figures;
  if (peak === counted.peak && live === counted.live) return "";
  return `The stacks hold ${size(peak)} at the peak and ${size(live)} live, the capture's counters say ${size(counted.peak)} and ${size(counted.live)}: threads were allocating at the same moment, or the capture was read while it changed.`;
}

function framesOf(top: Frame): Frame[] {
  const all = [top];
  for (let i = 0; i < all.length; i++) all.push(...all[i].children);
  return all;
}

function merged(): string {
  const { root: top, least } = plainOf(capture, shape()), frames = view === "stacks" ? framesOf(top) : [], told = [];
  const sum = (kind: Frame["kind"], of: (frame: Frame) => number): number => frames.reduce((all, frame) => all + (frame.kind === kind ? of(frame) : 0), 0);
  const smaller = sum("smaller", ({ stacks }) => stacks), deeper = sum("deeper", ({ stacks }) => stacks);
  const share = percent(sum("smaller", ({ figures }) => figures[0]), top.figures[0]);
  const below = (share: number): string => `${+(100 * share).toPrecision(2)}% of every measure`;
  const which = inverted ? `each by callers below ${below(least)}, or of lines below a sixteenth of that,` : `each below ${below(least)}`;
  if (smaller) told.push(`${count(smaller)} of ${many(top.stacks, "stack")}, ${which} and together ${share} of the peak, are drawn merged (mprof flamegraph --full draws them all).`);
  if (deeper) told.push(`${many(deeper, "stack")} deeper than can be drawn ${deeper === 1 ? "is" : "are"} merged into "deeper".`);
  return told.join(" ");
}

/** Which functions are drawn once though they call themselves, or each other in turns. */
function recursion(): string {
  const graph = plainOf(capture, shape()), most = new Map<string, number>();
  for (const frame of graph.folded && view === "stacks" ? framesOf(graph.root) : [])
    if (frame.times > 1) most.set(nameOf(frame), Math.max(frame.times, most.get(nameOf(frame)) ?? 0));
  if (!most.size) return "";
  const named = [...most].sort((a, b) => b[1] - a[1]), shown = named.slice(0, 4).map(([name, times]) => `${name} (up to ${count(times)} times)`);
  const rest = named.length - shown.length;
  return `Recursion is drawn once: ${shown.join(", ")}${rest ? ` and ${many(rest, "other function")}` : ""}. "recursion: in full" draws each call.`;
}

/** What the colours and widths of growth are, and what a moment cannot say. */
function growth(): string {
  if (!chosen || measure.of < HELD) return "";
  const { from, to } = chosen, rest = plainOf(capture, shape()).held, small = [...rest].find(([frame]) => frame.kind === "rest")?.[1][to] ?? 0;
  const told = small ? ` ${percent(small, capture.instants[to].live)} of what was there then was in stacks too small for a moment, drawn as one.` : "";
  return from === null ? `The heap at ${whenOf(capture.instants[to])}.${told}` : `What grew from ${measure.name}: red grew, blue shrank; as wide as what changed.${told}`;
}

/** Of one process what the page does not know. */
function alone(): string {
  if (member === null || measure.key !== "member") return "";
  const { peak } = capture.members[member], [rest] = plainOf(capture, shape()).frames.slice(-1), small = rest.figures[HELD];
  return small ? `${percent(small, peak)} of what it held was in stacks too small to be told apart by process, drawn as one.` : "";
}

const HELD_TITLE = byId("held").title;
const holds = (one: number | null): boolean => !!capture.holders || keepersOf(capture, one).length > 0;

/** Of several processes whose holders are drawn. */
function whose(): string {
  if (view !== "holders" || capture.holders) return "";
  const keepers = keepersOf(capture, member), { members, processes } = capture, unknown = processes - capture.keepers.length;
  if (member !== null) return `What ${members[member].name} held when it ended${keepers.length > 1 ? `, its ${many(keepers.length, "process", "processes")} side by side` : ""}.`;
  return `What each process held when it ended, side by side${unknown > 0 ? `; it is not known of ${count(unknown)}: killed, or recorded without --types` : ""}. Choose one to see it alone.`;
}

/** What types near the peak are of. */
function near(): string {
  const { census } = shape(), { time, live = 0 } = capture.censuses[census] ?? {};
  if (measure.key !== "peak" || time === undefined || view === "holders" || (view === "stacks" && select("colours").value !== "type")) return "";
  return `Types at the peak are those counted after ${seconds(time)}, when ${percent(live, counted.peak)} of it was there.`;
}

function list(place: HTMLElement, told: [string, boolean][]): void {
  place.replaceChildren(...told.filter(([text]) => text).map(([text, warns]) => {
    const item = document.createElement("li");
    item.textContent = text;
    item.className = warns ? "warning" : "";
    return item;
  }));
}

function notices(): void {
  const { incomplete, untracked, untracked_bytes, shortened, misplaced, sample } = capture;
  const told: [string, boolean][] = [
    [incomplete ? `Incomplete: ${incomplete}.` : "", true],
    [untracked ? `Not followed: ${many(untracked, "block")} (${size(untracked_bytes)}), for want of memory.` : "", true],
    [shortened ? `Without callers, or charged to them: ${many(shortened, "allocation")} whose stacks found no room in the file. ` +
      (misplaced ? `Of them ${count(misplaced)} are not at the program's own lines.` : "Lines of the program's own files are exact.") : "", true],
    [sample ? `Sampled: one block in ${size(sample)}. A figure of x bytes is an estimate with a standard error (\u00b1) of at most the root of ${size(sample)} times x, and where none was recorded of ${size(sample)}; counts of blocks are estimates as well.` : "", false],
    [disagreement(), true], [growth(), false], [alone(), false], [near(), false], [whose(), false],
  ];
  list(byId("notices"), told);
  list(byId("remarks"), [[recursion(), false], [merged(), false]]); // below what they are about
}

/** What a frame is, a line each. */
function describe(frame: Frame): string[] {
  const value = netOf(frame, measure), blocks = measure.blocks === undefined || view !== "stacks" ? "" : ` in ${many(frame.figures[measure.blocks], "block")}`;
  const below = frame.children.reduce((sum, child) => sum + netOf(child, measure), 0);
  const share = measure.net !== undefined ? ` from ${measure.name}` : `, ${percent(value, valueOf(flame.root, measure))} of all ${view === "holders" ? "that is held" : measure.name}`;
  const facts = [`${shown(value, measure)}${measure.bytes ? blocks : ""}${share}`];
  if (frame.kind === "call" && below !== value && !inverted) facts.push(`${shown(value - below, measure)} in the line itself`);
  if (view === "stacks") facts.push(many(frame.stacks, "call stack"));
  const main = shape().census >= 0 && frame.kind !== "root" ? mainTypeOf(plainOf(capture, shape()), shape().census, frame) : undefined;
  if (main && frame.type === undefined) facts.push(`${percent(main.share, 1)} of it ${capture.types[main.type]}`);
  if (frame.times > 1) facts.push(`a recursion drawn once: up to ${count(frame.times)} times in a stack`);
  const place = placeOf(frame.func, frame.line), source = sourceOf(frame.func, frame.line);
  const outer = frame.outer.map((one) => `${nameOf(one)} ${shortPlaceOf(one.func, one.line)}`);
  return [nameOf(frame), ...(frame.facts ?? []), place, source, ...outer, ...facts].filter(Boolean);
}

function tell(frame: Frame | null, x = 0, y = 0): void {
  tip.hidden = !frame;
  if (!frame) return;
  tip.textContent = describe(frame).join("\n");
  const right = innerWidth - tip.offsetWidth - 8, below = y + 18 + tip.offsetHeight < innerHeight;
  tip.style.left = `${Math.max(8, Math.min(x + 12, right))}px`;
  tip.style.top = `${below ? y + 18 : Math.max(8, y - tip.offsetHeight - 10)}px`;
}

/** What is chosen or searched for, in the graph and in the table. */
function find(): void {
  const words = search.value.trim(), { frames, value } = words || !picked ? flame.search(words) : flame.choose(picked);
  lines.search(words);
  types.search(words);
  byId("found").textContent = !words && !picked ? "" : !frames ? "not in the graph"
    : `${percent(value, valueOf(flame.root, measure))} in ${many(frames, "frame")}`;
  byId("found").title = frames ? `${shown(value, measure)} in the frames found and below` : "";
}

function told(frame: Frame): void {
  byId("chosen").textContent = describe(frame).join("  \u00b7  ");
}

/** The reader moved in the graph: its line is the chosen one in the table. */
function moved(frame: Frame): void {
  const was = picked;
  picked = null;
  const place = frame.func && { func: frame.func, line: frame.line };
  lines.choose(place, true);
  source.choose(place, true);
  if (was && !search.value) find();
  told(frame);
}

/** A row of the table was chosen, or left: its frames are marked in the graph. */
function pick(place: Place | null): void {
  picked = place;
  search.value = "";
  lines.choose(place, false);
  source.choose(place, false);
  find();
  told(flame.current);
  if (place) byId("graph").scrollIntoView({ block: "nearest" });
}

type Table = "yours" | "all" | "typed" | "listing";

function turnTable(table: Table): void {
  for (const id of ["yours", "all", "typed", "listed"]) byId(id).setAttribute("aria-pressed", String(id === table || (id === "listed" && table === "listing")));
  byId("lines").hidden = table === "listing" || table === "typed";
  byId("types").hidden = table !== "typed";
  if (table === "yours" || table === "all") lines.turn(table === "yours");
  source.open(table === "listing");
}

/** Which graph it is, and its colours. */
function drawViews(): void {
  const { census } = shape(), typed = select("colours").value === "type" && census >= 0, plain = plainOf(capture, shape());
  for (const [id, its] of [["stacks", "stacks"], ["bytype", "types"], ["held", "holders"]]) byId(id).setAttribute("aria-pressed", String(its === view));
  flame.colourOf = typed ? (frame) => typeColour(capture, plain, census, frame, isDark()) : null;
  legend(byId("legend"), capture, typed ? census : -1, isDark());
  const held = byId<HTMLButtonElement>("held"), can = holds(member);
  held.disabled = !can;
  held.title = can ? HELD_TITLE : "it does not say: killed, or recorded without --types";
  types.show(census);
}

/** Stacks, types or holders; the end has counts where the measure has none. */
function turnView(next: View): void {
  view = next;
  const end = MEASURES[1], fits = next === "stacks" || (next === "types" ? censusOf(measure) >= 0 : measure === end);
  if (fits) redraw();
  else choose(end);
}

/** Of what is drawn now, or of the end. */
function colourBy(): void {
  if (select("colours").value === "type" && censusOf(measure) < 0) choose(MEASURES[1]);
  else redraw();
}

function redraw(): void {
  byId("inverted").setAttribute("aria-pressed", String(inverted));
  notices();
  drawViews();
  flame.show(measure, shape());
  find();
  told(flame.current);
}

function choose(next: Measure): void {
  measure = next;
  if (view === "types" ? censusOf(next) < 0 : view === "holders" && next.key !== "live") view = "stacks";
  byId("measures").querySelectorAll("button").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.key === next.key)));
  lines.show(measure);
  source.show(measure);
  redraw();
}

/** The heap of another moment, or what grew; of the peak and the end all is known, and so of none. */
function chooseWhen(next: Chosen | null): void {
  const only = next && next.from === null ? capture.instants[next.to].kind : "";
  byId("measures").querySelectorAll("[data-key=moment], [data-key=growth]").forEach((button) => button.remove());
  chosen = only === "peak" || only === "end" ? null : next;
  drawTime(chosen);
  if (!chosen) return choose(MEASURES[only === "end" ? 1 : 0]);
  const wanted = measureOf(capture.instants, chosen);
  for (const graph of capture.graphs) fillFrames(graph, chosen);
  addMeasure(wanted);
  choose(wanted);
}

/** One process of several, or all of them again. */
function chooseMember(next: number | null): void {
  byId("measures").querySelectorAll("[data-key=member]").forEach((button) => button.remove());
  member = next;
  members.choose(next);
  const end = view === "holders" && holds(next) ? MEASURES[1] : null; // they are of the end
  if (next === null) return choose(end ?? MEASURES[0]);
  const { name, peak } = capture.members[next], wanted: Measure = { key: "member", name: `${name} at its peak`, of: HELD, bytes: true, about: "bytes that it alone held at its own peak" };
  for (const graph of capture.graphs) fillMember(graph, next, peak);
  addMeasure(wanted);
  choose(end ?? wanted);
}

function turnText(): void {
  byId("source").setAttribute("aria-pressed", String(!shape().source));
  redraw();
}

function invert(): void {
  inverted = !inverted;
  redraw();
}

function turn(on: boolean): void {
  icicle = on;
  byId("icicle").setAttribute("aria-pressed", String(icicle));
  byId("flame").setAttribute("aria-pressed", String(!icicle));
  flame.turn(icicle);
  const graph = byId("graph");
  graph.classList.toggle("icicle", icicle);
  graph.scrollTop = icicle ? 0 : graph.scrollHeight;
}

function back(): void {
  if (search.value) {
    search.value = "";
    find();
  } else if (picked) {
    pick(null);
  } else {
    flame.reset();
  }
  search.blur();
  tell(null);
}

function addMeasure(one: Measure): void {
  const button = document.createElement("button"), value = document.createElement("small");
  button.type = "button";
  button.textContent = one.name;
  button.title = one.about;
  button.dataset.key = one.key;
  value.textContent = shown(netOf(root, one), one);
  button.append(value);
  button.addEventListener("click", () => choose(one));
  byId("measures").append(button);
}

MEASURES.forEach(addMeasure);
document.title = byId("title").textContent = capture.title ?? capture.file;
byId("answer").textContent = [answer(), members.answer()].filter(Boolean).join("\n");
byId("summary").textContent = summary();
byId("recursion").parentElement!.hidden = !capture.graphs[0].folded;
const [redrawTime, drawTime] = timeline(byId("plot"), capture, chooseWhen);

flame.onZoom = (zoomed) => { byId("reset").hidden = !zoomed; };
flame.onMove = moved;
flame.sizeOf = (frame) => (!valueOf(flame.root, measure) ? "" : measure.net !== undefined ? signed(netOf(frame, measure))
  : `${shownShort(netOf(frame, measure), measure)}  ${percent(netOf(frame, measure), valueOf(flame.root, measure))}`);
lines.onPick = pick;
members.onPick = pick;
members.onChoose = chooseMember;
source.onPick = pick;
byId("yours").addEventListener("click", () => turnTable("yours"));
byId("all").addEventListener("click", () => turnTable("all"));
byId("typed").addEventListener("click", () => turnTable("typed"));
byId("typed").hidden = !types.isKnown;
byId("stacks").addEventListener("click", () => turnView("stacks"));
byId("bytype").addEventListener("click", () => turnView("types"));
byId("held").addEventListener("click", () => turnView("holders"));
byId("bytype").hidden = byId("colours").parentElement!.hidden = !types.isKnown;
byId("held").hidden = !holds(null);
byId("views").hidden = !types.isKnown && !holds(null);
byId("colours").addEventListener("change", colourBy);
byId("listed").addEventListener("click", () => turnTable("listing"));
byId("listed").hidden = !source.isKnown;
byId("icicle").addEventListener("click", () => turn(true));
byId("flame").addEventListener("click", () => turn(false));
byId("reset").addEventListener("click", () => flame.reset());
byId("inverted").addEventListener("click", invert);
byId("source").addEventListener("click", turnText);
for (const id of ["imports", "recursion", "outer"]) byId(id).addEventListener("change", redraw);
search.addEventListener("input", () => { find(); told(flame.current); });
byId("graph").addEventListener("mousemove", (event) => tell(flame.frameAt(event.target), event.clientX, event.clientY));
byId("graph").addEventListener("mouseleave", () => tell(null));
onTheme(byId("theme"), () => { drawViews(); flame.repaint(); redrawTime(); });
const dialog = byId<HTMLDialogElement>("manual");
manual(dialog, byId("help"));
listen({
  step: (way) => flame.step(way), zoom: () => flame.zoom(), reset: back, icicle: () => icicle, invert, text: turnText,
  search: () => { search.focus(); search.select(); },
}, dialog);
let width = 0;
new ResizeObserver(() => {
  if (byId("graph").clientWidth === width) return;
  width = byId("graph").clientWidth;
  flame.resize();
  redrawTime();
}).observe(byId("graph"));
const [from, to] = capture.chosen;
if (to >= 0) chooseWhen({ from: from < 0 ? null : from, to });
else choose(measure);
turnTable(capture.yours.rows.length ? "yours" : "all");
turn(true);
