// The lines that hold memory, with their source: yours or all, sorted, searched, and summed to the whole.
import { Capture, Figures, HELD, IMPORTING, isImporting, keyOf, MARKS, Measure, MEASURES, OURS, Place, placeOf, Row, shortPlaceOf, sourceOf, Table, wordsOf } from "./capture";
import { fillLines, signed } from "./moments";
import { placesOf } from "./places";
import { count, error, many, percent, size } from "./words";

const AT_FIRST = 50, LEAST_BAR = 0.005, PINNED_BELOW = 3, FIGURES = 7, TOTAL_HELD = 3;

interface Column { name: string; bytes: boolean; about: string; of: (row: Row) => number; at: number; share?: boolean; grows?: boolean }

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text; // never markup: names and source come from the program
  return made;
}

const other = (name: string, at: number, bytes: boolean): Column => ({ name, bytes, at, about: "", of: (row) => row.figures[at] });

/** What is sorted by the measure first; the other figures beside it. */
function columnsOf(measure: Measure): Column[] {
  const part = MEASURES.findIndex(({ key }) => key === measure.key), at = measure.net ?? measure.of, total = part < 0 ? TOTAL_HELD : part;
  const rest = MEASURES.slice(0, 3).filter(({ key }) => key !== measure.key).map(({ name, of }) => other(name, of, true));
  if (part === 3) return [{ ...other(measure.name, at, false), about: "in the line itself" }, ...rest, other("allocations", 5, false)];
  const told = { bytes: true, at, grows: measure.net !== undefined }, of = (row: Row): number => row.totals[total];
  return [
    { ...told, name: told.grows ? "own growth" : "own", about: `${measure.name}, in the line itself`, of: (row) => row.figures[at] },
    { ...told, name: "total", about: `${measure.name}, with all that it called`, of },
    { ...told, name: "share", about: "of the total in all", of, share: true },
    ...rest, other("allocations", 5, false), other("temporary", 6, false),
  ];
}

const nameOf = ({ func, line }: Place): string => (isImporting(func, line) ? IMPORTING : func.name);
const add = (figures: Figures, other: Figures): Figures => figures.map((figure, i) => figure + other[i]);

export class Lines {
  private readonly head = element("tr");
  private readonly body = element("tbody");
  private readonly foot = element("tfoot");
  private readonly said = element("p", "said");
  private readonly table = element("table");
  /** All lines that can be chosen, by their keys. */
  readonly places: Map<string, Row>;
  private columns: Column[] = columnsOf(MEASURES[0]);
  private column = 0;
  private words = "";
  private most = AT_FIRST;
  private chosen: Place | null = null;
  private pin = false;
  private isMoment = false;
  yours: boolean;
  onPick: (place: Place | null) => void = () => undefined;

  constructor(place: HTMLElement, private readonly capture: Capture) {
    const top = element("thead");
    this.places = placesOf(capture);
    for (const row of capture.all.rows) this.places.set(keyOf(row.func, row.line), row);
    this.yours = capture.yours.rows.length > 0;
    top.append(this.head);
    this.table.className = capture.sample ? "sampled" : "";
    this.table.append(top, this.body, this.foot);
    place.append(this.table, this.said);
    this.body.addEventListener("click", (event) => this.pick(event.target as Element));
    this.body.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      this.pick(event.target as Element);
    });
  }

  private pick(target: Element): void {
    const row = target.closest("tr"), key = row?.dataset.key, found = key ? this.rowOf(key) : undefined;
    if (!found || getSelection()?.toString()) return;
    this.onPick(row?.hasAttribute("aria-current") ? null : found);
  }

  private get shown(): Table {
    return this.yours ? this.capture.yours : this.capture.all;
  }

  private rowOf(key: string): Row | undefined {
    return this.shown.rows.find((row) => keyOf(row.func, row.line) === key) ?? this.places.get(key);
  }

  private text({ bytes, share, grows }: Column, value: number, whole: number): string {
    if (share) return whole > 0 && value >= 0 ? percent(value, whole) : "";
    return grows ? signed(value) : bytes ? size(value) : count(value);
  }

  private cells(row: Row, totals = true): HTMLElement[] {
    const { sample, root: { figures } } = this.capture;
    return this.columns.map((column, i) => {
      const { of, at, bytes, share: isShare, grows } = column, value = totals ? of(row) : row.figures[at], whole = figures[at];
      const isKnown = value !== undefined && (totals || column.name !== "total" && !isShare), cell = element("td", i === this.column ? "sorted" : "", isKnown ? this.text(column, value, whole) : "");
      if (!isKnown) return cell;
      const share = whole ? Math.abs(value / whole) : 0, bar = element("span", "bar"), around = bytes && !isShare && !grows ? error(value, sample) : "";
      cell.title = `${bytes ? `${count(value)} bytes${whole > 0 ? ", " : ""}` : ""}${whole > 0 ? percent(value, whole) : ""}`;
      if (grows && !isShare && value) cell.classList.add(value < 0 ? "shrank" : "grew");
      bar.style.width = `calc((100% - 16px) * ${Math.min(1, share).toFixed(4)})`;
      if (around) cell.append(element("small", "", around));
      if (share >= LEAST_BAR && !isShare) cell.append(bar);
      return cell;
    });
  }

  private where(row: Row): HTMLElement {
    const where = element("td", "where"), line = element("div", "place"), importing = isImporting(row.func, row.line);
    const place = importing ? "" : placeOf(row.func, row.line), source = sourceOf(row.func, row.line);
    line.append(element("b", "", nameOf(row)), element("span", "", place && ` ${shortPlaceOf(row.func, row.line)}`));
    line.title = importing ? "what importlib's own frames allocated" : place;
    MARKS.forEach(([word, sentence], bit) => {
      if (!(row.marks & (1 << bit))) return;
      const mark = element("small", "mark", ` (${word})`);
      mark.title = sentence;
      line.append(mark);
    });
    where.append(line);
    if (source) where.append(element("code", "", source));
    if (row.beneath && this.columns[this.column].at === 0) {
      const { func, line: number, bytes } = row.beneath, importing = isImporting(func, number);
      const text = `${size(bytes)} of it in ${importing ? IMPORTING : `${func.name} ${shortPlaceOf(func, number)}`}`;
      where.append(element("small", "beneath", text));
    }
    return where;
  }

  private row(row: Row): HTMLTableRowElement {
    const made = element("tr"), key = keyOf(row.func, row.line);
    made.dataset.key = key;
    made.dataset.figures = row.figures.slice(0, FIGURES).join(" ");
    made.dataset.totals = row.totals.slice(0, TOTAL_HELD).join(" ");
    made.dataset.held = `${row.figures[HELD]} ${row.totals[TOTAL_HELD]}`;
    made.tabIndex = 0;
    if (this.chosen && keyOf(this.chosen.func, this.chosen.line) === key) made.setAttribute("aria-current", "true");
    made.append(...this.cells(row), this.where(row));
    return made;
  }

  private sum(name: string, figures: Figures): HTMLTableRowElement {
    const made = element("tr");
    made.dataset.figures = figures.slice(0, FIGURES).join(" ");
    made.dataset.held = `${figures[HELD] ?? ""}`;
    made.append(...this.cells({ figures, totals: [] } as unknown as Row, false), element("td", "where", name));
    return made;
  }

  private note(text: string): HTMLTableRowElement {
    const made = element("tr"), cell = element("td", "where", text);
    made.dataset.figures = "";
    cell.colSpan = this.columns.length + 1;
    made.append(cell);
    return made;
  }

  /** Lines without a row: some can be shown, the least are not in the page. */
  private left(shown: number, all: number): string {
    const out = all - shown, told = many(all, "more line");
    if (!out) return told;
    return `${told}, ${shown ? `${count(out)} of them ` : ""}not in this page: mprof table --csv has all`;
  }

  /** The rows that are searched for: of the table, and what the graph shows beside them. */
  private find(): Row[] {
    const { rows } = this.shown, wanted = this.words.toLowerCase();
    if (!wanted) return rows.filter((row) => !this.isMoment || row.figures[HELD] || row.totals[TOTAL_HELD]);
    const known = new Set(rows.map((row) => keyOf(row.func, row.line)));
    const others = [...this.places].filter(([key]) => !known.has(key)).map(([, row]) => row);
    return [...rows, ...others].filter((row) => wordsOf(row.func, row.line, nameOf(row)).includes(wanted));
  }

  private draw(): void {
    const { of } = this.columns[this.column], found = this.find(), { more, moreFigures } = this.shown, { own, root, elsewhere } = this.capture;
    found.sort((a, b) => of(b) - of(a) || b.totals[0] - a.totals[0]);
    const shown = found.slice(0, this.most), rest = found.slice(this.most), pinned = this.pinned(shown);
    this.body.replaceChildren(...pinned, ...shown.map((row) => this.row(row)));
    const leftCount = rest.length + (this.words || this.isMoment ? 0 : more), sums = [];
    if (leftCount) sums.push(this.sum(this.left(rest.length, leftCount), rest.reduce((sum, row) => add(sum, row.figures), this.words ? moreFigures.map(() => 0) : moreFigures)));
    if (this.words) sums.push(this.note(`${many(found.length, "line")} found`));
    if (this.yours && elsewhere.some((figure) => figure !== 0)) sums.push(this.sum("(no line of yours)", elsewhere));
    if (own.some((figure) => figure > 0)) sums.push(this.sum(OURS, own));
    this.foot.replaceChildren(...sums, this.sum("all", root.figures));
    this.drawHead();
    this.say(shown, rest.length, leftCount);
  }

  /** The chosen line, where its row is not among those shown. */
  private pinned(shown: Row[]): HTMLTableRowElement[] {
    const key = this.chosen ? keyOf(this.chosen.func, this.chosen.line) : "", row = key ? this.rowOf(key) : undefined;
    if (!this.pin || this.words || !row || shown.slice(0, PINNED_BELOW).includes(row)) return [];
    const made = this.row(row);
    made.classList.add("pinned");
    return [made];
  }

  private drawHead(): void {
    this.head.replaceChildren(...this.columns.map(({ name, about }, i) => {
      const cell = element("th", i === this.column ? "sorted" : ""), button = element("button", "", name);
      cell.scope = "col";
      cell.title = about;
      cell.setAttribute("aria-sort", i === this.column ? "descending" : "none");
      button.type = "button";
      button.addEventListener("click", () => this.sort(i));
      cell.append(button);
      return cell;
    }), element("th", "where", this.yours ? "your line" : "line"));
  }

  private say(shown: Row[], rest: number, leftCount: number): void {
    const marked = MARKS.filter((_, bit) => shown.some(({ marks }) => marks & (1 << bit)));
    this.said.replaceChildren(...marked.map(([word, sentence]) => element("span", "mark", `${word}: ${sentence}. `)));
    if (!rest) return;
    const button = element("button", "", leftCount > rest ? `show ${count(rest)} of them` : `show ${many(rest, "more line")}`);
    button.addEventListener("click", () => { this.most = Infinity; this.draw(); });
    this.said.append(button);
  }

  sort(column: number): void {
    this.column = column;
    this.draw();
  }

  show(measure: Measure): void {
    this.isMoment = measure.of >= HELD;
    if (this.isMoment) fillLines(this.capture, this.places.values());
    this.columns = columnsOf(measure);
    this.sort(0);
  }

  turn(yours: boolean): void {
    this.yours = yours;
    this.draw();
  }

  search(words: string): void {
    this.words = words.trim();
    this.draw();
  }

  /** `pin`: where its row is not seen, it is the first one. */
  choose(place: Place | null, pin: boolean): void {
    this.chosen = place;
    this.pin = pin;
    this.draw();
  }
}
