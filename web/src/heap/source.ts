// The source of a file, with what each line holds, and how that went through the run.
import { Capture, isImporting, keyOf, Measure, MEASURES, Place, Row, SourceFile } from "./capture";
import { curvesOf, signed } from "./moments";
import { count, percent, size } from "./words";

const SVG = "http://www.w3.org/2000/svg", WIDE = 96, HIGH = 18, HOT = 0.01;

interface Line { own: number; total: number; places: Place[] }

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text; // never markup: source comes from the program
  return made;
}

export class Source {
  private readonly table = element("table");
  private readonly files: SourceFile[];
  private curves: Map<string, number[]> | null = null;
  private measure: Measure = MEASURES[0];
  private chosen: Place | null = null;
  private file: SourceFile;
  onPick: (place: Place | null) => void = () => undefined;

  constructor(private readonly place: HTMLElement, private readonly list: HTMLSelectElement, private readonly capture: Capture, private readonly rows: Map<string, Row>) {
    const mine = new Set(capture.yours.rows.map(({ func }) => capture.files[func.file])), totals = new Map<SourceFile, number>();
    for (const { func, totals: [peak, live, all] } of rows.values()) {
      const file = capture.files[func.file];
      totals.set(file, Math.max(totals.get(file) ?? 0, peak, live, all / 1e6));
    }
    const rank = (file: SourceFile): number => (mine.has(file) ? 1e18 : 0) + (totals.get(file) ?? 0);
    this.files = capture.files.filter(({ lines }) => lines.size > 0).sort((a, b) => rank(b) - rank(a));
    this.file = this.files[0];
    this.files.forEach(({ short, path }, i) => {
      const option = element("option", "", short);
      option.value = String(i);
      option.title = path;
      list.append(option);
    });
    list.addEventListener("change", () => { this.file = this.files[Number(list.value)]; this.draw(); });
    place.append(this.table);
    this.table.addEventListener("click", (event) => this.pick(event.target as Element));
    this.table.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      this.pick(event.target as Element);
    });
  }

  get isKnown(): boolean {
    return this.files.length > 0;
  }

  private pick(target: Element): void {
    const line = target.closest("tr"), key = line?.dataset.key;
    if (key && !getSelection()?.toString()) this.onPick(line?.hasAttribute("aria-current") ? null : this.rows.get(key) ?? null);
  }

  /** By the number of the line: what it holds; of several functions on it the sum. */
  private figures(): Map<number, Line> {
    const { measure, capture } = this, part = MEASURES.findIndex(({ key }) => key === measure.key), at = measure.net ?? measure.of, lines = new Map<number, Line>();
    for (const row of this.rows.values()) {
      if (capture.files[row.func.file] !== this.file || isImporting(row.func, row.line)) continue;
      const line = lines.get(row.line) ?? { own: 0, total: 0, places: [] };
      line.own += row.figures[at];
      line.total = part === 3 ? line.own : Math.max(line.total, row.totals[part < 0 ? 3 : part], line.own);
      if (measure.net !== undefined) line.total = row.totals[3];
      line.places.push(row);
      lines.set(row.line, line);
    }
    return lines;
  }

  private text(value: number): string {
    return !value ? "" : this.measure.net !== undefined ? signed(value) : this.measure.bytes ? size(value) : count(value);
  }

  /** How its bytes went, callees included, between nothing and the most that it ever held. */
  private curve(places: Place[]): SVGElement | string {
    this.curves ??= curvesOf(this.capture);
    const { instants } = this.capture, curves = places.map(({ func, line }) => this.curves?.get(keyOf(func, line))).filter((one) => one !== undefined);
    const values = instants.map((_, i) => Math.max(0, ...curves.map((one) => one[i]))), most = Math.max(...values), end = instants[instants.length - 1].time || 1;
    if (!(most > 0)) return "";
    const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path"), title = document.createElementNS(SVG, "title");
    const points = values.map((value, i) => `H${((WIDE * instants[i].time) / end).toFixed(1)}V${(HIGH - ((HIGH - 1) * value) / most).toFixed(1)}`);
    path.setAttribute("d", `M0 ${HIGH}${points.join("")}H${WIDE}V${HIGH}Z`);
    title.textContent = `over the run, at most ${size(most)} with all that it called`;
    for (const [name, value] of [["width", WIDE], ["height", HIGH], ["role", "img"]]) svg.setAttribute(String(name), String(value));
    svg.append(title, path);
    return svg;
  }

  private line(number: number, text: string, line: Line | undefined, whole: number): HTMLTableRowElement {
    const made = element("tr"), [own, total, curve] = [0, 1, 2].map(() => element("td", "figure")), share = line && whole > 0 ? Math.abs(line.total) / whole : 0;
    if (line) {
      const place = line.places.reduce((a, b) => ((this.rows.get(keyOf(b.func, b.line))?.totals[0] ?? 0) > (this.rows.get(keyOf(a.func, a.line))?.totals[0] ?? 0) ? b : a));
      made.dataset.key = keyOf(place.func, place.line);
      made.dataset.held = `${line.own} ${line.total}`;
      made.tabIndex = 0;
      if (line.places.some(({ func, line: at }) => func === this.chosen?.func && at === this.chosen.line)) made.setAttribute("aria-current", "true");
      [own.textContent, total.textContent] = [this.text(line.own), this.text(line.total)];
      total.title = percent(line.total, whole);
      if (this.measure.net !== undefined && line.total) total.classList.add(line.total < 0 ? "shrank" : "grew");
      if (this.capture.instants.length && share >= HOT) curve.append(this.curve(line.places));
    }
    const code = element("td", "code", text);
    if (share >= HOT) code.style.setProperty("--heat", `${(8 + 30 * Math.min(1, share)).toFixed(0)}%`);
    made.dataset.line = String(number);
    made.append(own, total, ...(this.capture.instants.length ? [curve] : []), element("td", "number", String(number)), code);
    return made;
  }

  private draw(): void {
    const lines = this.figures(), whole = this.capture.root.figures[this.measure.of], numbers = [...this.file.lines.keys()].sort((a, b) => a - b), body = element("tbody"), head = element("tr");
    const columns = [this.measure.key === "growth" ? "own growth" : "own", "total", ...(this.capture.instants.length ? ["over the run"] : []), "line", ""];
    head.append(...columns.map((name, i) => { const cell = element("th", i === columns.length - 1 ? "code" : i === columns.length - 2 ? "number" : "", name); cell.scope = "col"; return cell; }));
    numbers.forEach((number, i) => {
      if (i && numbers[i - 1] !== number - 1) {
        const gap = element("tr", "gap"), cell = element("td", "", "\u22ef");
        cell.colSpan = columns.length;
        gap.append(cell);
        body.append(gap);
      }
      body.append(this.line(number, this.file.lines.get(number) ?? "", lines.get(number), whole));
    });
    const top = element("thead");
    top.append(head);
    this.table.replaceChildren(top, body);
    this.list.value = String(this.files.indexOf(this.file));
  }

  show(measure: Measure): void {
    this.measure = measure;
    if (!this.place.hidden) this.draw();
  }

  /** The file of the chosen line, where its source is known. */
  choose(place: Place | null, turn: boolean): void {
    const file = place && this.capture.files[place.func.file];
    this.chosen = place;
    if (turn && file && this.files.includes(file)) this.file = file;
    if (this.place.hidden && !place) this.file = this.files[0];
    if (this.place.hidden) return;
    this.draw();
    if (turn) this.table.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  open(on: boolean): void {
    this.place.hidden = this.list.hidden = !on;
    if (!on) return;
    this.choose(this.chosen, true);
  }
}
