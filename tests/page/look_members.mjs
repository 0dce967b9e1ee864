// Opens the page of several processes in Chromium, chooses one of them and all again, and prints as JSON what it shows.
// look_members.mjs CHROMIUM PAGE LINE [PICTURE] (a function of a line that they differ at; a file name's beginning)
import { open } from "./open.mjs";

const [, , executablePath, page, wanted, picture] = process.argv;
const { browser, tab, seen, settle } = await open(executablePath, page);
const look = async () => {
  await settle();
  return tab.evaluate(() => ({
    answer: document.getElementById("answer").innerText,
    said: document.querySelector("#members .said")?.innerText,
    chosen: document.getElementById("member").value,
    pressed: document.querySelector("#measures [aria-pressed=true]").innerText,
    rows: [...document.querySelectorAll("#members li")].map((row) => ({
      name: row.querySelector(".place").innerText, figures: row.dataset.figures.split(" ").map(Number), outliers: row.dataset.outliers,
      told: row.querySelector(".told").innerText, buttons: [...row.querySelectorAll("[data-member]")].map((one) => one.innerText),
      ticks: row.querySelectorAll("path.out, path.chosen").length,
    })),
    frames: [...document.querySelectorAll("#graph g.frame")].map((cell) => ({ name: cell.__data__.data.frame.func?.name ?? "", value: cell.__data__.value })),
    lines: [...document.querySelectorAll("#lines tbody tr")].map((row) => ({ text: row.innerText, held: row.dataset.held.split(" ").map(Number) })),
    current: document.querySelector("#lines tr[aria-current]")?.innerText ?? null,
    notices: [...document.querySelectorAll("#notices li")].map((one) => one.innerText),
    more: document.querySelector("#members > button")?.innerText,
  }));
};

seen.known = await tab.locator("#members").isVisible();
if (seen.known) {
  seen.first = await look();
  await tab.locator("#members li", { hasText: wanted }).locator("[data-member]").first().click();
  seen.alone = await look();
  for (const scheme of picture ? ["light", "dark"] : []) {
    await tab.emulateMedia({ colorScheme: scheme });
    await tab.screenshot({ path: `${picture}-${scheme}.png` });
  }
  await tab.locator("#members li", { hasText: wanted }).locator("[data-line]").click();
  seen.line = await look();
  await tab.locator("#inverted").click();
  seen.inverted = await look();
  await tab.selectOption("#member", "");
  seen.together = await look();
  await tab.locator("#members > button:visible").click();
  seen.whole = await look();
  await tab.setViewportSize({ width: 420, height: 900 });
  await settle();
  seen.wide = await tab.evaluate(() => document.documentElement.scrollWidth);
  if (picture) await tab.screenshot({ path: `${picture}-420.png` });
}
console.log(JSON.stringify(seen));
await browser.close();
