// What the live blocks are: objects by type, with what they keep in blocks of their own.
import { Capture, Census } from "./capture";
import { count, error, many, percent, seconds, size } from "./words";

/** name, objects, bytes, bytes beside */
type Shown = [string, number, number, number];

const COLUMNS = ["live", "share", "objects", "each", "beside"];
const LEAST_BAR = 0.005;

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text; // never markup: names come from the program
  return made;
}

const isClass = (name: string): boolean => !name.startsWith("(");

export class Types {
  private readonly body = element("tbody");
  private readonly foot = element("tfoot");
  private readonly said = element("p", "said");
  private census: Census | undefined;
  private live: number;
  private words = "";

  constructor(place: HTMLElement, private readonly capture: Capture) {
    const table = element("table", capture.sample ? "sampled" : ""), head = element("thead"), titles = element("tr");
    titles.append(...COLUMNS.map((name) => element("th", "", name)), element("th", "where", "type"));
    head.append(titles);
    table.append(head, this.body, this.foot);
    place.append(table, this.said);
    this.live = capture.counted.live;
    this.show(-1);
  }

  get isKnown(): boolean {
    return this.capture.censuses.length > 0;
  }

  /** Of a count; -1: nobody counted at what the graph shows, and the table is of the end. */
  show(census: number): void {
    const { censuses, counted } = this.capture, known = census >= 0;
    this.census = known ? censuses[census] : censuses.find(({ at }) => at.includes("end")) ?? censuses[censuses.length - 1];
    if (!this.census) return;
    const { time, live, at } = this.census, isEnd = time === undefined;
    this.live = live ?? counted.live;
    const when = isEnd ? "Live at the end" : `Counted after ${seconds(time)}, when ${size(this.live)} were live${at.includes("peak") ? `: ${percent(this.live, counted.peak)} of the peak` : ""}`;
    this.said.textContent = `${when}${known ? "" : ", whatever the graph shows: nobody counted then (mprof heap --types counts near the peak and at marks too)"}. Beside: what objects keep in blocks of their own, as the items of a list.`;
    this.draw();
  }

  private row([name, objects, bytes, kept]: Shown, isType = true): HTMLTableRowElement {
    const { sample } = this.capture, { live } = this, held = bytes + kept, made = element("tr"), first = element("td", "sorted", size(held)), bar = element("span", "bar");
    const each = isType && isClass(name) && objects > 0 ? size(Math.round(bytes / objects)) : "", around = error(held, sample);
    made.dataset.figures = `${objects} ${bytes} ${kept}`;
    first.title = `${count(held)} bytes`;
    bar.style.width = `calc((100% - 16px) * ${Math.min(1, live ? held / live : 0).toFixed(4)})`;
    if (around) first.append(element("small", "", around));
    if (live && held / live >= LEAST_BAR) first.append(bar);
    const where = element("td", "where"), shown = element("div", "place");
    shown.append(element(isClass(name) && isType ? "b" : "span", "", name));
    shown.title = name;
    where.append(shown);
    made.append(first, ...[percent(held, live), count(objects), each, kept ? size(kept) : ""].map((text) => element("td", "", text)), where);
    return made;
  }

  private draw(): void {
    const wanted = this.words.toLowerCase(), { rows, more: [left, ...more] } = this.census!, sums = [...more];
    const shown = rows.map(([type, ...figures]): Shown => [this.capture.types[type], ...figures]);
    for (const [, ...figures] of shown) figures.forEach((figure, i) => { sums[i] += figure; });
    this.body.replaceChildren(...shown.filter(([name]) => name.toLowerCase().includes(wanted)).map((row) => this.row(row)));
    this.foot.replaceChildren(...(left ? [this.row([many(left, "more type"), ...more as [number, number, number]], false)] : []), this.row(["all", ...sums as [number, number, number]], false));
  }

  search(words: string): void {
    this.words = words.trim();
    if (this.census) this.draw();
  }
}
