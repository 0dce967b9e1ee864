// Opens a page with a curve in Chromium and prints as JSON what its canvas was told to draw and write last, and
// what its uPlot holds: look_points.mjs CHROMIUM PAGE [STEM of screenshots]
import { createRequire } from "node:module";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const [, , executablePath, page, stem] = process.argv;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const seen = { problems: [], requests: [] };

/** Before the page's own script: every stroked path, with its style, and all words. */
function listen() {
  const paths = new WeakMap(), context = CanvasRenderingContext2D.prototype;
  const note = (target, name) => {
    const real = target[name];
    target[name] = function (x, y, ...rest) {
      if (!paths.has(this)) paths.set(this, []);
      paths.get(this).push([name === "moveTo", x, y]);
      return real.call(this, x, y, ...rest);
    };
  };
  window.strokes = [];
  for (const target of [context, Path2D.prototype])
    for (const name of ["moveTo", "lineTo"]) note(target, name);
  const { beginPath, stroke, clearRect, fillText } = context;
  context.fillText = function (text, x, y) {
    const { actualBoundingBoxLeft: left, actualBoundingBoxRight: right, actualBoundingBoxAscent: up, actualBoundingBoxDescent: down } = this.measureText(text);
    window.words.push({ text, box: [x - left, x + right, y - up, y + down] });
    return fillText.call(this, text, x, y);
  };
  window.words = [];
  context.clearRect = function (...area) { window.strokes = []; window.words = []; return clearRect.apply(this, area); };
  context.beginPath = function () { paths.set(this, []); return beginPath.call(this); };
  context.stroke = function (path) {
    const told = paths.get(path ?? this) ?? [];
    if (told.length) window.strokes.push({ style: this.strokeStyle, dashed: this.getLineDash().length > 0, points: told });
    return path ? stroke.call(this, path) : stroke.call(this);
  };
}

for (const colorScheme of ["light", "dark"]) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 760 }, offline: true, colorScheme });
  const tab = await context.newPage();
  tab.on("console", (message) => message.type() === "error" && seen.problems.push(message.text()));
  tab.on("pageerror", (error) => seen.problems.push(error.message));
  tab.on("request", (request) => request.url().startsWith("file:") || seen.requests.push(request.url()));
  await tab.addInitScript(listen);
  await tab.goto(`file://${page}`);
  await tab.waitForSelector("#plot canvas");
  await tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  seen[colorScheme] = await tab.evaluate(() => {
    const colours = {};
    for (const name of ["--curve", "--limit", "--mark"]) {
      const probe = document.createElement("canvas").getContext("2d");
      probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      colours[name] = probe.fillStyle;
    }
    return { strokes: window.strokes, words: window.words, colours, held: document.getElementById("plot").uPlot?.data ?? null };
  });
  seen.title = await tab.locator("#title").innerText();
  seen.summary = await tab.locator("#summary").innerText();
  seen.runs = await tab.locator("#summary .run").allInnerTexts();
  seen.legend = await tab.locator("#legend label").allInnerTexts();
  const area = await tab.locator(".u-over").boundingBox();
  await tab.mouse.move(area.x + 0.1 * area.width, area.y + area.height / 2);
  seen.tip = await tab.locator("#tip").innerText();
  if (stem) await tab.screenshot({ path: `${stem}-${colorScheme}.png` });
}
console.log(JSON.stringify(seen));
await browser.close();
