// Opens the page of a heap capture in Chromium, chooses frames, rows and words, prints what the graph and the table
// then show as JSON. look_choice.mjs CHROMIUM PAGE FUNCTION (a function of the program) CALLEE (a library's, below it)
import { open } from "./open.mjs";

const [, , executablePath, page, wanted, callee] = process.argv;
const { browser, tab, seen, settle } = await open(executablePath, page);

const look = async () => {
  await settle();
  return tab.evaluate(() => {
    const numbers = (text) => (text ?? "").split(" ").filter(Boolean).map(Number);
    const row = (tr) => ({ text: tr.innerText, figures: numbers(tr.dataset.figures), totals: numbers(tr.dataset.totals), pinned: tr.classList.contains("pinned"), chosen: tr.hasAttribute("aria-current") });
    const frames = [...document.querySelectorAll("#graph g.frame")];
    const frame = (cell) => ({ name: cell.getAttribute("name"), value: cell.__data__.value });
    return {
      table: document.querySelector("#tables [aria-pressed=true]").innerText,
      columns: [...document.querySelectorAll("#lines thead th")].map((cell) => cell.innerText),
      rows: [...document.querySelectorAll("#lines tbody tr")].map(row), sums: [...document.querySelectorAll("#lines tfoot tr")].map(row),
      marked: document.querySelector("#graph g.other") ? frames.filter((cell) => !cell.classList.contains("other")).map(frame) : [],
      current: frames.filter((cell) => cell.classList.contains("current")).map(frame)[0], found: document.getElementById("found").innerText, chosen: document.getElementById("chosen").innerText,
    };
  });
};
const frameOf = (name) => tab.locator(`#graph g.frame[name^='${name}  ']`).first();

seen.first = await look();
await frameOf(callee).click();
seen.frame = await look();
await tab.keyboard.press("Escape");
await tab.locator("#lines tbody tr", { hasText: wanted }).first().click();
seen.row = await look();
await tab.keyboard.press("Escape");
seen.left = await look();
await tab.keyboard.press("/");
await tab.keyboard.type(callee);
seen.search = await look();
await tab.keyboard.press("Escape");
await tab.locator("#lines tbody tr").nth(1).focus();
await tab.keyboard.press("Enter");
seen.keyboard = await look();
await tab.locator("#all").click();
seen.all = await look();
await tab.keyboard.press("Escape");
await tab.locator("#listed").click();
const listing = () => tab.evaluate(() => ({
  files: [...document.querySelectorAll("#files option")].map((option) => option.innerText), file: document.querySelector("#files option:checked").innerText,
  lines: [...document.querySelectorAll("#listing tbody tr[data-line]")].map((row) => ({
    line: Number(row.dataset.line), text: row.querySelector(".code").textContent, chosen: row.hasAttribute("aria-current"), curves: row.querySelectorAll("svg path").length,
    held: (row.dataset.held ?? "").split(" ").filter(Boolean).map(Number), shown: [...row.querySelectorAll(".figure")].map((cell) => cell.innerText),
  })),
}));
seen.listing = await listing();
await tab.locator("#listing tr[data-key]", { hasText: "return json.loads" }).click();
seen.listed = { ...(await look()), lines: (await listing()).lines };
await tab.keyboard.press("Escape");
await frameOf(callee).click();
seen.library = await listing();
await tab.keyboard.press("Escape");
await tab.locator("#yours").click();
await tab.setViewportSize({ width: 420, height: 900 });
await tab.waitForFunction(() => document.querySelector("#graph svg").clientWidth < 420 && document.getElementById("plot").uPlot.width < 420);
seen.narrow = await tab.evaluate(() => {
  const { right } = document.querySelector("#lines tbody tr .place").getBoundingClientRect();
  return { right, width: document.documentElement.scrollWidth, text: document.querySelector("#lines tbody tr .place").getBoundingClientRect().width };
});
console.log(JSON.stringify(seen));
await browser.close();
