// Opens the page of a heap capture in Chromium, chooses moments and ranges in its timeline, prints what it saw
// as JSON. look_moments.mjs CHROMIUM PAGE
import { open } from "./open.mjs";

const [, , executablePath, page] = process.argv;
const { browser, tab, seen, settle } = await open(executablePath, page);

const look = async () => {
  await settle();
  return tab.evaluate(() => ({
    measures: [...document.querySelectorAll("#measures button")].map((button) => button.innerText),
    pressed: document.querySelector("#measures [aria-pressed=true]").innerText,
    frames: [...document.querySelectorAll("#graph g.frame")].map((cell) => ({
      name: cell.getAttribute("name"), value: cell.__data__.value, net: cell.__data__.data.frame.figures[7], fill: cell.querySelector("rect").getAttribute("fill"),
    })),
    rows: [...document.querySelectorAll("#lines tbody tr")].map((row) => ({ text: row.innerText, held: row.dataset.held.split(" ").map(Number) })),
    sums: [...document.querySelectorAll("#lines tfoot tr")].map((row) => ({ text: row.innerText, held: Number(row.dataset.held) })),
    columns: [...document.querySelectorAll("#lines thead th")].map((cell) => cell.innerText),
    said: document.getElementById("plot").getAttribute("aria-valuetext"), notices: [...document.querySelectorAll("#notices li, #remarks li")].map((item) => item.innerText),
  }));
};
/** Where a time is in the plot, from the left of the window; and a height in it. */
const at = (time) => tab.evaluate((time) => {
  const plot = document.getElementById("plot"), { left, top } = plot.uPlot.over.getBoundingClientRect();
  return [left + plot.uPlot.valToPos(time, "x"), top + 50];
}, time);
const times = await tab.evaluate(() => JSON.parse(document.getElementById("data").textContent).moments);

seen.first = await look();
const marks = times.filter(([, , kind]) => kind === "mark");
if (marks.length > 1) {
  const [warm, done] = await Promise.all(marks.map(([time]) => at(time)));
  await tab.mouse.click(...warm);
  seen.click = await look();
  await tab.mouse.move(...warm);
  await tab.mouse.down();
  await tab.mouse.move((warm[0] + done[0]) / 2, warm[1], { steps: 4 });
  await tab.mouse.move(...done, { steps: 4 });
  await tab.mouse.up();
  seen.drag = await look();
  await tab.locator("#inverted").click();
  seen.inverted = await look();
  await tab.locator("#inverted").click();
  await tab.locator("#plot").focus();
  await tab.keyboard.press("Escape");
  seen.left = await look();
  await tab.keyboard.press("Home");
  seen.home = await look();
  await tab.keyboard.press("ArrowRight");
  seen.right = await look();
  await tab.keyboard.press("Shift+ArrowRight");
  seen.shift = await look();
  await tab.keyboard.press("End");
  seen.end = await look();
}
console.log(JSON.stringify(seen));
await browser.close();
