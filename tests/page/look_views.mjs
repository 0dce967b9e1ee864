// Opens the page of a heap capture in Chromium, turns its graph to types and to holders, and its colours to types, and prints as
// JSON what each shows. look_views.mjs CHROMIUM PAGE WORD [PICTURE] (searched for among holders; a file name's beginning)
import { open } from "./open.mjs";

const [, , executablePath, page, word, picture] = process.argv;
const { browser, tab, seen, settle } = await open(executablePath, page);
const look = async () => {
  await settle();
  return tab.evaluate(() => ({
    pressed: [...document.querySelectorAll("#views [aria-pressed=true], #measures [aria-pressed=true]")].map((one) => one.innerText.split("\n")[0]),
    frames: [...document.querySelectorAll("#graph g.frame")].map((cell) => {
      const { data, parent, depth, value } = cell.__data__, { frame } = data;
      return {
        name: cell.querySelector(".d3-flame-graph-label").textContent, kind: frame.kind, above: parent?.data.frame.label ?? parent?.data.frame.func?.name ?? "",
        depth, value, left: cell.__data__.x0, fill: cell.querySelector("rect").getAttribute("fill"), facts: frame.facts ?? [], marked: !cell.classList.contains("other"),
      };
    }),
    legend: [...document.querySelectorAll("#legend li")].map((one) => ({ text: one.innerText, colour: getComputedStyle(one.querySelector("i")).backgroundColor })),
    legendShown: document.getElementById("legend").offsetParent !== null,
    table: [...document.querySelectorAll("#types tbody tr")].map((row) => [row.querySelector(".where").innerText, ...row.dataset.figures.split(" ").map(Number)]),
    said: document.querySelector("#types .said").innerText,
    found: document.getElementById("found").innerText,
    chosen: document.getElementById("chosen").innerText,
    scrolls: document.documentElement.scrollWidth,
  }));
};
const shoot = async (name) => {
  for (const scheme of picture ? ["light", "dark"] : []) {
    await tab.emulateMedia({ colorScheme: scheme });
    await settle();
    await tab.screenshot({ path: `${picture}-${name}-${scheme}.png` });
  }
  await tab.emulateMedia({ colorScheme: "light" });
};

seen.offered = await tab.evaluate(() => ["stacks", "bytype", "held", "colours"].filter((id) => document.getElementById(id).offsetParent !== null));
seen.first = await look();
if (seen.offered.includes("bytype")) {
  await tab.locator("#typed").click();
  await tab.locator("#measures button", { hasText: "still live" }).click();
  await tab.selectOption("#colours", "type");
  seen.coloured = await look();
  await shoot("coloured");
  await tab.locator("#bytype").click();
  seen.types = await look();
  await shoot("types");
  await tab.locator("#inverted").click();
  seen.inverted = await look();
  await tab.locator("#inverted").click();
  await tab.locator("#measures button", { hasText: "allocated" }).click();
  seen.allocated = await look();
}
if (seen.offered.includes("held")) {
  await tab.locator("#held").click();
  seen.holders = await look();
  await shoot("holders");
  await tab.locator("#search").fill(word);
  seen.found = await look();
  await tab.setViewportSize({ width: 420, height: 900 });
  seen.narrow = await look();
  if (picture) await tab.screenshot({ path: `${picture}-420.png` });
}
console.log(JSON.stringify(seen));
await browser.close();
