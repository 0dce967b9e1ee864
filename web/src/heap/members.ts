// The processes of a run beside each other: of each line what the middle one holds, what most of them hold, and who stands out.
import { Capture, IMPORTING, isImporting, Place, placeOf, shortPlaceOf, sourceOf } from "./capture";
import { count, many, size } from "./words";

const SVG = "http://www.w3.org/2000/svg", WIDE = 1000, HIGH = 20, AT_FIRST = 3, NAMED = 4;
/** Who holds so many times the median, as far beyond nine in ten of them as those are twice, and so much of its own peak. */
const TIMES = 1.5, BEYOND = 2, LEAST_PART = 0.01;

interface Spread { median: number; low: number; high: number; most: number; outliers: number[] }

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text; // never markup: names come from the program
  return made;
}

/** Of an even number the lower of the two in the middle; `outliers` are the numbers of those far above, the largest first. */
function spreadOf(held: number[], peaks: number[]): Spread {
  const sorted = [...held].sort((a, b) => a - b), at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))];
  const median = at(0.5), high = at(0.9), isOut = (bytes: number, i: number): boolean =>
    bytes > TIMES * median && bytes > high && bytes - median > BEYOND * (high - median) && bytes - median >= LEAST_PART * peaks[i];
  const outliers = held.map((_, i) => i).filter((i) => isOut(held[i], i)).sort((a, b) => held[b] - held[a]);
  return { median, low: at(0.1), high, most: held.indexOf(sorted[sorted.length - 1]), outliers };
}

/** "3.1 times the median"; of a median of nothing that. */
function times(bytes: number, median: number): string {
  if (!(median > 0)) return "the median has none there";
  const many = bytes / median;
  return `${many < 100 ? many.toFixed(1) : count(Math.round(many))} times the median`;
}

/** What they all are. */
function wordOf({ members }: Capture): string {
  const are = (word: string): boolean => members.every(({ name }) => name.startsWith(`${word} `));
  return are("rank") ? "rank" : are("process") ? "process" : "worker";
}

const several = (word: string): string => (word === "process" ? "processes" : `${word}s`);

export class Members {
  private readonly peaks: number[];
  private readonly list = element("ol");
  private readonly more = element("button");
  private readonly word: string;
  private readonly several: boolean; // hosts
  private chosen = -1;
  private isWhole = false;
  onChoose: (member: number | null) => void = () => undefined;
  onPick: (place: Place) => void = () => undefined;

  constructor(place: HTMLElement, private readonly select: HTMLSelectElement, private readonly capture: Capture) {
    this.peaks = capture.members.map(({ peak }) => peak);
    this.word = wordOf(capture);
    this.several = new Set(capture.members.map(({ host }) => host)).size > 1;
    place.hidden = select.parentElement!.hidden = !this.isKnown;
    if (!this.isKnown) return;
    this.fillSelect();
    const told = `${many(capture.members.length, this.word, several(this.word))}, each at its own peak: a tick is one of them, the bold one their median, the band has all but the tenth with least and the tenth with most.`;
    place.append(element("p", "said", told), this.list);
    this.more.type = "button";
    this.more.addEventListener("click", () => { this.isWhole = true; this.draw(); });
    place.append(this.more);
    place.addEventListener("click", (event) => this.click(event.target as HTMLElement));
    this.draw();
  }

  get isKnown(): boolean {
    return this.capture.members.length > 1;
  }

  private fillSelect(): void {
    const option = (text: string, value: string): void => {
      const made = element("option", "", text);
      made.value = value;
      this.select.append(made);
    };
    this.select.setAttribute("aria-label", this.word);
    option(`all ${count(this.peaks.length)} ${several(this.word)}`, "");
    const order = this.peaks.map((_, i) => i).sort((a, b) => this.peaks[b] - this.peaks[a]);
    for (const i of order) option(`${this.capture.members[i].name}, ${size(this.peaks[i])}`, String(i));
    this.select.addEventListener("change", () => this.onChoose(this.select.value === "" ? null : Number(this.select.value)));
  }

  private click(target: HTMLElement): void {
    const { member, line } = target.closest("button")?.dataset ?? {};
    if (member !== undefined) this.onChoose(this.chosen === Number(member) ? null : Number(member));
    if (line !== undefined) this.onPick(this.capture.differences[Number(line)]);
  }

  /** A tick for each, stretched to the width there is. */
  private strip(held: number[], { median, low, high, outliers }: Spread): SVGElement {
    const made = document.createElementNS(SVG, "svg"), whole = Math.max(1, ...held), x = (bytes: number): string => ((WIDE * bytes) / whole).toFixed(1);
    const path = (className: string, values: number[]): SVGElement => {
      const one = document.createElementNS(SVG, "path");
      one.setAttribute("class", className);
      one.setAttribute("d", [...new Set(values.map(x))].map((at) => `M${at} 3V${HIGH - 3}`).join(""));
      return one;
    };
    const band = document.createElementNS(SVG, "rect");
    for (const [name, value] of [["x", x(low)], ["width", x(high - low)], ["y", "0"], ["height", String(HIGH)]]) band.setAttribute(name, value);
    made.setAttribute("viewBox", `-4 0 ${WIDE + 8} ${HIGH}`);
    made.setAttribute("preserveAspectRatio", "none");
    made.setAttribute("aria-hidden", "true"); // its figures stand beside it
    const out = new Set(outliers);
    made.append(band, path("one", held.filter((_, i) => !out.has(i))), path("median", [median]), path("out", outliers.map((i) => held[i])));
    if (this.chosen >= 0) made.append(path("chosen", [held[this.chosen]]));
    return made;
  }

  private button(member: number): HTMLElement {
    const made = element("button", "", this.capture.members[member].name);
    made.type = "button";
    made.dataset.member = String(member);
    made.title = `what it held alone${this.several && this.capture.members[member].host ? `, on ${this.capture.members[member].host}` : ""}`;
    made.setAttribute("aria-pressed", String(member === this.chosen));
    return made;
  }

  private figures(held: number[], { median, low, high, most, outliers }: Spread): HTMLElement {
    const made = element("div", "told"), first = outliers[0] ?? most, others = outliers.slice(1, NAMED), rest = outliers.length - 1 - others.length;
    const who = (member: number, text: string): void => {
      const one = element("span", "who");
      one.append(this.button(member), ` ${text}`);
      made.append(one);
    };
    who(first, `${size(held[first])}, ${times(held[first], median)}${outliers.length ? "" : ": nobody stands out"}`);
    for (const member of others) who(member, size(held[member]));
    if (rest) made.append(element("span", "", `and ${count(rest)} more`));
    if (this.chosen >= 0 && this.chosen !== first && !others.includes(this.chosen)) who(this.chosen, `${size(held[this.chosen])}, ${times(held[this.chosen], median)}`);
    made.append(element("span", "", `median ${size(median)}, p10 to p90 ${size(low)} to ${size(high)}`));
    return made;
  }

  private place(line: number, { func, line: number }: Place): HTMLElement {
    const made = element("div", "place"), importing = isImporting(func, number), button = element("button", "", importing ? IMPORTING : func.name);
    button.type = "button";
    button.dataset.line = String(line);
    button.title = importing ? "what importlib's own frames allocated" : placeOf(func, number);
    made.append(button);
    if (!importing) made.append(element("span", "", ` ${shortPlaceOf(func, number)}`));
    const source = sourceOf(func, number);
    if (source) made.append(element("code", "", source));
    return made;
  }

  private row(where: HTMLElement, held: number[]): HTMLElement {
    const made = element("li"), spread = spreadOf(held, this.peaks);
    made.dataset.figures = [spread.low, spread.median, spread.high, held[spread.most]].join(" ");
    made.dataset.outliers = spread.outliers.join(" ");
    made.append(where, this.strip(held, spread), this.figures(held, spread));
    return made;
  }

  /** At first those that somebody stands out at. */
  private draw(): void {
    const { differences } = this.capture, told = differences.findIndex(({ held }) => !spreadOf(held, this.peaks).outliers.length);
    const shown = this.isWhole ? differences : differences.slice(0, Math.min(AT_FIRST, told < 0 ? AT_FIRST : Math.max(1, told)));
    const rest = differences.length - shown.length, whole = element("div", "place");
    whole.append(element("b", "", "in all"));
    this.list.replaceChildren(this.row(whole, this.peaks), ...shown.map((one, i) => this.row(this.place(i, one), one.held)));
    this.more.hidden = !rest;
    this.more.textContent = `show ${many(rest, "more line")}`;
  }

  choose(member: number | null): void {
    this.chosen = member ?? -1;
    this.select.value = member === null ? "" : String(member);
    this.draw();
  }

  /** "worker 7 holds 3.1 times the median at load etl.py:88 (12.0 MiB, median 4.0 MiB)": the one that differs most. */
  answer(): string {
    for (const { func, line, held } of this.capture.differences) {
      const { outliers: [first], median } = spreadOf(held, this.peaks);
      if (first === undefined) continue;
      const place = isImporting(func, line) ? IMPORTING : `${func.name} ${shortPlaceOf(func, line)}`, { name } = this.capture.members[first];
      return `${name} holds ${median > 0 ? times(held[first], median) : `${size(held[first])}, and the median nothing,`} at ${place}${median > 0 ? ` (${size(held[first])}, median ${size(median)})` : ""}`;
    }
    return "";
  }
}
