// Opens the page of a heap capture in Chromium, draws its graph in each of the ways that the tools offer,
// prints what it saw as JSON. look_graphs.mjs CHROMIUM PAGE [MEASURE]
import { open } from "./open.mjs";

const [, , executablePath, page, measure] = process.argv;
const { browser, tab, seen, settle } = await open(executablePath, page);

/** The frames that are drawn, with the text and size in them, and the notices. */
const look = async () => {
  await settle();
  return {
    frames: await tab.evaluate(() => [...document.querySelectorAll("#graph g.frame")].map((cell) => ({
      name: cell.getAttribute("name"), value: cell.__data__.value, depth: cell.__data__.depth, size: cell.querySelector(".d3-flame-graph-label").dataset.size,
      parent: cell.__data__.parent && cell.__data__.parent.data.frame.func?.name,
    }))),
    notices: await tab.locator("#notices li, #remarks li").allInnerTexts(),
  };
};
const choose = async (id, value) => {
  await tab.locator(id).selectOption(value);
  return look();
};

if (measure) await tab.locator(`#measures [data-key=${measure}]`).click();
seen.first = await look();
seen.inverted = await tab.locator("#inverted").getAttribute("aria-pressed");
if (await tab.locator("#recursion").isVisible()) seen.recursion = { full: await choose("#recursion", "full"), once: await choose("#recursion", "once") };
if (await tab.locator("#outer").isEnabled()) seen.outer = { full: await choose("#outer", "full"), one: await choose("#outer", "one") };
const outer = tab.locator("#graph g.frame[name^='(\u2026']").first();
if (await outer.count()) {
  await outer.hover();
  await settle();
  seen.outerTip = await tab.locator("#tip").innerText();
}
await tab.locator("#source").click();
seen.source = await look();
await tab.locator("#source").click();
await tab.locator("#graph").focus();
await tab.keyboard.press("i");
seen.turned = await look();
seen.turnedPressed = await tab.locator("#inverted").getAttribute("aria-pressed");
console.log(JSON.stringify(seen));
await browser.close();
