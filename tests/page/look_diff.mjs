// Opens the page of a difference in Chromium, uses it with mouse and keyboard, and prints what it shows as
// JSON. look_diff.mjs CHROMIUM PAGE WORDS [SHOT WIDTH dark|light]
import { open } from "./open.mjs";

const [, , executablePath, page, words, shot, width, scheme] = process.argv;
const { browser, tab, seen, settle } = await open(executablePath, page, {
  viewport: { width: Number(width) || 1280, height: 900 }, colorScheme: scheme === "dark" ? "dark" : "light",
});
const look = async () => {
  await settle();
  return tab.evaluate(() => {
    const frames = [...document.querySelectorAll("#graph g.frame")], named = (cell) => { const { name, file, line } = cell.__data__.data.frame; return file ? `${name}:${line}` : name; };
    const fill = (cell) => cell.querySelector("rect").getAttribute("fill");
    return {
      frames: Object.fromEntries(frames.map((cell) => [named(cell), { value: cell.__data__.value, fill: fill(cell) }])),
      current: frames.filter((cell) => cell.classList.contains("current")).map(named)[0],
      chosen: document.getElementById("chosen").innerText, found: document.getElementById("found").innerText,
      reset: !document.getElementById("reset").hidden, wide: document.documentElement.scrollWidth,
    };
  });
};
seen.summary = await tab.innerText("#summary");
seen.title = await tab.innerText("#title");
seen.rows = await tab.$$eval("#lines tr", (rows) => rows.map((row) => row.innerText));
seen.first = await look();
if (shot) await tab.screenshot({ path: shot, fullPage: true });
await tab.click("#widths button:nth-child(3)");
seen.growth = await look();
await tab.click("#lines .where button");
seen.row = await look();
await tab.keyboard.press("/");
await tab.fill("#search", words);
seen.search = await look();
await tab.focus("#graph");
await tab.keyboard.press("Enter");
seen.zoomed = await look();
await tab.keyboard.press("Escape");
seen.whole = await look();
await tab.click("#theme");
seen.theme = await tab.evaluate(() => document.documentElement.dataset.theme);
console.log(JSON.stringify(seen));
await browser.close();
