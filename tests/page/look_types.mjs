// Opens the page of a heap capture in Chromium, turns its table to types, prints what that shows as JSON, and whether a narrow
// window has to be scrolled sideways. look_types.mjs CHROMIUM PAGE WORD [PICTURE] (searched for; a file name's beginning)
import { open } from "./open.mjs";

const [, , executablePath, page, word, picture] = process.argv;
const { browser, tab, seen, settle } = await open(executablePath, page);
const look = async () => {
  await settle();
  return tab.evaluate(() => ({
    columns: [...document.querySelectorAll("#types th")].map((cell) => cell.innerText),
    rows: [...document.querySelectorAll("#types tbody tr")].map((row) => [row.querySelector(".where").innerText, ...row.dataset.figures.split(" ").map(Number)]),
    sums: [...document.querySelectorAll("#types tfoot tr")].map((row) => [row.querySelector(".where").innerText, ...row.dataset.figures.split(" ").map(Number)]),
    shown: ["types", "lines", "listing"].filter((id) => document.getElementById(id).offsetParent !== null),
  }));
};

seen.known = await tab.locator("#typed").isVisible();
if (seen.known) {
  await tab.locator("#typed").click();
  seen.types = await look();
  for (const scheme of picture ? ["light", "dark"] : []) {
    await tab.emulateMedia({ colorScheme: scheme });
    await tab.locator("#tables").scrollIntoViewIfNeeded();
    await tab.screenshot({ path: `${picture}-${scheme}.png`, fullPage: true });
  }
  await tab.setViewportSize({ width: 420, height: 900 });
  await settle();
  seen.wide = await tab.evaluate(() => document.documentElement.scrollWidth);
  if (picture) await tab.screenshot({ path: `${picture}-420.png`, fullPage: true });
  await tab.locator("#search").fill(word);
  seen.found = await look();
  await tab.locator("#all").click();
  seen.left = await look();
}
console.log(JSON.stringify(seen));
await browser.close();
