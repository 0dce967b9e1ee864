// The lines that hold memory, with their source: sorted, searched, and summed to the whole.
import { Capture, Figures, IMPORTING, isImporting, Measure, MEASURES, OURS, placeOf, Row, shortPlaceOf, sourceOf } from "./capture";
import { count, error, many, percent, size } from "./words";

const AT_FIRST = 50, LEAST_BAR = 0.005;
const COLUMNS = [
  ...MEASURES.slice(0, 3).map((measure) => ({ name: measure.name, at: measure.of as number, bytes: true })),
  { name: "allocations", at: 5, bytes: false },
  { name: "temporary", at: 6, bytes: false },
];

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text; // never markup: names and source come from the program
  return made;
}

export class Lines {
  private readonly body = element("tbody");
  private readonly foot = element("tfoot");
  private readonly heads: HTMLElement[] = [];
  private readonly said = element("p", "said");
  private column = 0;
  private words = "";
  private most = AT_FIRST;
  onPick: (words: string) => void = () => undefined;

  constructor(place: HTMLElement, private readonly capture: Capture) {
    const table = element("table", capture.sample ? "sampled" : ""), head = element("tr");
    COLUMNS.forEach(({ name }, i) => {
      const cell = element("th"), button = element("button", "", name);
      cell.scope = "col";
      button.type = "button";
      button.addEventListener("click", () => this.sort(i));
      cell.append(button);
      this.heads.push(cell);
      head.append(cell);
    });
    head.append(element("th", "where", "line"));
    const top = element("thead");
    top.append(head);
    table.append(top, this.body, this.foot);
    place.append(table, this.said);
    this.body.addEventListener("click", (event) => this.pick(event.target as Element));
    this.draw();
  }

  private pick(target: Element): void {
    const place = target.closest("tr")?.dataset.place;
    if (place && !getSelection()?.toString()) this.onPick(place);
  }

  private cells(figures: Figures): HTMLElement[] {
    const { sample, root: { figures: whole } } = this.capture;
    return COLUMNS.map(({ at, bytes }, i) => {
      const cell = element("td", i === this.column ? "sorted" : "", bytes ? size(figures[at]) : count(figures[at]));
      const share = whole[at] ? figures[at] / whole[at] : 0, bar = element("span", "bar");
      cell.title = `${bytes ? `${count(figures[at])} bytes, ` : ""}${percent(figures[at], whole[at])}`;
      bar.style.width = `calc((100% - 16px) * ${share.toFixed(4)})`;
      const around = bytes ? error(figures[at], sample) : "";
      if (around) cell.append(element("small", "", around));
      if (share >= LEAST_BAR) cell.append(bar);
      return cell;
    });
  }

  private row(row: Row): HTMLTableRowElement {
    const made = element("tr"), where = element("td", "where"), line = element("div", "place");
    const importing = isImporting(row.func, row.line), place = importing ? "" : placeOf(row.func, row.line);
    made.dataset.place = place;
    made.dataset.figures = row.figures.join(" ");
    line.append(element("b", "", importing ? IMPORTING : row.func.name), element("span", "", place && ` ${shortPlaceOf(row.func, row.line)}`));
    line.title = importing ? "what importlib's own frames allocated" : place;
    where.append(line);
    const source = sourceOf(row.func, row.line);
    if (source) where.append(element("code", "", source));
    made.append(...this.cells(row.figures), where);
    return made;
  }

  private sum(name: string, figures: Figures): HTMLTableRowElement {
    const made = element("tr");
    made.dataset.figures = figures.join(" ");
    made.append(...this.cells(figures), element("td", "where", name));
    return made;
  }

  /** Lines without a row: some can be shown, the least are not in the page. */
  private left(shown: number, all: number): string {
    const out = all - shown, told = many(all, "more line");
    if (!out) return told;
    return `${told}, ${shown ? `${count(out)} of them ` : ""}not in this page: mprof table --csv has all`;
  }

  private draw(): void {
    const { rows, more, moreFigures, own, root } = this.capture;
    const { at } = COLUMNS[this.column], wanted = this.words.toLowerCase();
    const found = rows.filter(({ func, line }) => `${isImporting(func, line) ? IMPORTING : func.name} ${placeOf(func, line)} ${sourceOf(func, line)}`.toLowerCase().includes(wanted));
    found.sort((a, b) => b.figures[at] - a.figures[at]);
    const shown = found.slice(0, this.most), rest = found.slice(this.most);
    this.body.replaceChildren(...shown.map((row) => this.row(row)));
    const add = (figures: Figures, other: Figures): Figures => figures.map((figure, i) => figure + other[i]);
    const left = rest.reduce((sum, row) => add(sum, row.figures), wanted ? moreFigures.map(() => 0) : moreFigures);
    const leftCount = rest.length + (wanted ? 0 : more);
    const sums = leftCount ? [this.sum(this.left(rest.length, leftCount), left)] : [];
    const among = more ? ` of the ${count(rows.length)} in this page` : "";
    if (wanted) sums.push(this.sum(`${many(found.length, "line")} found${among}`, found.reduce((sum, row) => add(sum, row.figures), moreFigures.map(() => 0))));
    if (own.some((figure) => figure > 0)) sums.push(this.sum(OURS, own));
    this.foot.replaceChildren(...sums, this.sum("all", root.figures));
    this.heads.forEach((head, i) => head.setAttribute("aria-sort", i === this.column ? "descending" : "none"));
    this.said.replaceChildren();
    if (rest.length) {
      const button = element("button", "", leftCount > rest.length ? `show ${count(rest.length)} of them` : `show ${many(rest.length, "more line")}`);
      button.addEventListener("click", () => { this.most = Infinity; this.draw(); });
      this.said.append(button);
    }
  }

  sort(column: number): void {
    this.column = column;
    this.draw();
  }

  show(measure: Measure): void {
    this.sort(COLUMNS.findIndex(({ at }) => at === measure.of));
  }

  search(words: string): void {
    this.words = words.trim();
    this.draw();
  }
}
