// Opens a page of `mprof plot` in Chromium, does what a user would, prints what it saw as JSON.
// look.mjs CHROMIUM PAGE [SCREENSHOT]
import { createRequire } from "node:module";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const [, , executablePath, page, screenshot] = process.argv;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 1200, height: 700 }, offline: true });
const tab = await context.newPage();
const seen = { problems: [], requests: [] };
tab.on("console", (message) => message.type() === "error" && seen.problems.push(message.text()));
tab.on("pageerror", (error) => seen.problems.push(error.message));
tab.on("request", (request) => request.url().startsWith("file:") || seen.requests.push(request.url()));
await tab.goto(`file://${page}`);
await tab.waitForSelector("#plot canvas");
const frames = () => tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
await frames();
const area = await tab.locator(".u-over").boundingBox();

// Where a colour of the theme is drawn: the fraction of the width of its highest pixel, and how
// many pixels have it.
const drawn = (name) => tab.evaluate((name) => {
  const canvas = document.querySelector("#plot canvas"), over = document.querySelector(".u-over");
  const outer = canvas.getBoundingClientRect(), inner = over.getBoundingClientRect();
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  const left = Math.round(inner.left - outer.left), top = Math.round(inner.top - outer.top);
  const { data, width, height } = canvas.getContext("2d").getImageData(left, top, Math.round(inner.width), Math.round(inner.height));
  let count = 0, highest = null;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x);
      if (data[at + 3] < 90 || Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b) > 60) continue;
      count++;
      highest ??= { x: x / width, y: y / height };
    }
  return { count, highest };
}, name);

const hoverAt = async (share) => {
  await tab.mouse.move(area.x + share * area.width, area.y + area.height / 2);
  await frames();
  return tab.locator("#tip").innerText();
};

seen.title = await tab.locator("#title").innerText();
seen.summary = await tab.locator("#summary").innerText();
seen.images = await tab.locator("img").count();
seen.pwned = await tab.evaluate(() => "pwned" in window);
seen.legend = await tab.locator("#legend label .name").allInnerTexts();
seen.legendScrolls = await tab.evaluate(() => {
  const legend = document.getElementById("legend");
  return legend.scrollHeight > legend.clientHeight && legend.clientHeight <= innerHeight;
});
await tab.locator("label[data-key=peak] input").uncheck();
await frames();
seen.curve = await drawn("--curve");
seen.marks = await drawn("--mark");
seen.tip = await hoverAt(0.5);

await tab.mouse.move(area.x + 0.25 * area.width, area.y + 50);
await tab.mouse.down();
await tab.mouse.move(area.x + 0.5 * area.width, area.y + 50, { steps: 5 });
await tab.mouse.up();
await frames();
seen.zoomed = [await hoverAt(0.002), await hoverAt(0.998)];
if (screenshot) await tab.screenshot({ path: screenshot.replace(".png", "-zoomed.png") });
await tab.locator("#reset").click();
await frames();
seen.whole = [await hoverAt(0.002), await hoverAt(0.998)];

await tab.locator("label[data-key='run 0'] input").uncheck();
await frames();
seen.curveOff = (await drawn("--curve")).count;
await tab.locator("label[data-key='run 0'] input").check();
const search = tab.locator("#legend input[type=search]").first();
if (await search.count()) {
  await search.fill("7");
  seen.found = await tab.locator("#legend label:not([hidden]) .name").allInnerTexts();
  await search.fill("");
}
await tab.locator("#theme").click();
await frames();
seen.dark = (await drawn("--curve")).count;
if (await tab.locator("#flame").isVisible()) {
  seen.lanes = await tab.locator("#lanes").boundingBox();
  seen.more = await tab.locator("#legend label .more").allInnerTexts();
  await tab.locator("#flame").click();
  await frames();
  seen.brackets = await tab.locator("#lanes").isHidden();
  await tab.keyboard.press("l");
  await frames();
}
if (screenshot) await tab.screenshot({ path: screenshot });
console.log(JSON.stringify(seen));
await browser.close();
