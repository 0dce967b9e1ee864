// The help of a page: its keys, its words.
export type Entries = [string, string][];

function list(entries: Entries): HTMLElement {
  const made = document.createElement("dl");
  for (const [term, text] of entries) {
    const name = document.createElement("dt"), about = document.createElement("dd");
    name.textContent = term;
    about.textContent = text;
    made.append(name, about);
  }
  return made;
}

export function manual(dialog: HTMLDialogElement, button: HTMLElement, ...parts: Entries[]): void {
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "close";
  close.addEventListener("click", () => dialog.close());
  dialog.setAttribute("aria-label", "help");
  dialog.append(...parts.map(list), close);
  button.addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}
