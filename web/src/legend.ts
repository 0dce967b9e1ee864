// The legend: a list of switches. Long ones scroll, can be searched and switched as a group.
export interface Item { key: string; name: string; fact: string; colour: string; on: boolean; more?: string[] }

type Changed = () => void;

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text; // never markup: names come from the program
  return made;
}

function row(item: Item, changed: Changed): HTMLLabelElement {
  const label = element("label"), box = element("input"), swatch = element("span", "swatch");
  box.type = "checkbox";
  box.checked = item.on;
  box.addEventListener("change", () => { item.on = box.checked; changed(); });
  label.dataset.key = item.key;
  label.title = item.name;
  swatch.style.background = item.colour;
  label.append(box, swatch, element("span", "name", item.name), element("span", "fact", item.fact));
  if (item.more) {
    const more = element("span", "more");
    more.append(...item.more.map((text) => element("span", "", text)));
    label.append(more);
    label.title = [item.name, ...item.more].join("\n");
  }
  return label;
}

/** Adds a group of switches; with more than a few, a search field and all/none. */
export function group(parent: HTMLElement, title: string, items: Item[], changed: Changed): void {
  if (!items.length) return;
  const head = element("h2"), rows = items.map((item) => row(item, changed));
  head.append(element("span", "", items.length > 1 ? `${title} (${items.length})` : title));
  parent.append(head);
  if (items.length > 3) {
    for (const on of [true, false]) {
      const button = element("button", "", on ? "all" : "none");
      button.type = "button";
      button.setAttribute("aria-label", `${on ? "show all" : "show none"} of ${title}`);
      button.addEventListener("click", () => {
        rows.forEach((label, i) => {
          if (label.hidden) return;
          items[i].on = on;
          (label.firstChild as HTMLInputElement).checked = on;
        });
        changed();
      });
      head.append(button);
    }
  }
  if (items.length > 12) {
    const search = element("input");
    search.type = "search";
    search.placeholder = "search";
    search.setAttribute("aria-label", `search ${title}`);
    search.addEventListener("input", () => rows.forEach((label, i) => {
      label.hidden = !items[i].name.toLowerCase().includes(search.value.toLowerCase());
    }));
    parent.append(search);
  }
  parent.append(...rows);
}
