// Opens the page of a heap capture in Chromium, does what a reader would, prints what it saw as JSON.
// look_heap.mjs CHROMIUM PAGE [glance | SCREENSHOT]; a glance touches nothing but the imports.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const [, , executablePath, page, how] = process.argv;
const glance = how === "glance", screenshot = glance ? undefined : how;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 1280, height: 1000 }, offline: true, reducedMotion: "reduce" });
const tab = await context.newPage();
const seen = { problems: [], requests: [] };
tab.on("console", (message) => message.type() === "error" && seen.problems.push(message.text()));
tab.on("pageerror", (error) => seen.problems.push(error.message));
tab.on("request", (request) => request.url().startsWith("file:") || seen.requests.push(request.url()));
const begin = Date.now();
await tab.goto(`file://${page}`);
await tab.waitForSelector("#graph g.frame");
const settle = () => tab.evaluate(() => new Promise((done) => setTimeout(() => requestAnimationFrame(done), 60)));
const shoot = async (name, fullPage = false) => screenshot && tab.screenshot({ path: screenshot.replace(".png", `-${name}.png`), fullPage });
const text = (selector) => tab.locator(selector).innerText();
await settle();
seen.milliseconds = Date.now() - begin;

/** The frames that are drawn: name, left, top, width, and whether they are marked. */
const frames = () => tab.evaluate(() => [...document.querySelectorAll("#graph g.frame")].map((cell) => {
  const box = cell.querySelector("rect").getBoundingClientRect();
  return {
    name: cell.getAttribute("name"), left: box.left, top: box.top, width: box.width, value: cell.__data__.value,
    current: cell.classList.contains("current"), other: cell.classList.contains("other"),
  };
}));
const rows = (part) => tab.evaluate((part) => [...document.querySelectorAll(`#lines ${part} tr`)].map((row) => ({
  figures: row.dataset.figures.split(" ").map(Number), text: row.innerText, source: row.querySelector("code")?.textContent ?? null,
})), part);
const places = () => tab.evaluate(() => ["graph", "search", "imports"].map((id) => {
  const { left, top, width } = document.getElementById(id).getBoundingClientRect();
  return [left, top, width];
}));
const shape = (all) => ({ frames: all.length, top: Math.min(...all.map((f) => f.top)), root: all.find((f) => f.name === "all") });

seen.title = await text("#title");
seen.summary = await text("#summary");
seen.notices = await tab.locator("#notices li, #remarks li").allInnerTexts();
seen.measures = await tab.locator("#measures button").allInnerTexts();
seen.markup = await tab.evaluate(() => ({ images: document.images.length, pwned: "pwned" in window, scripts: document.scripts.length }));
seen.legend = await tab.locator("#plot .u-value").allInnerTexts();
seen.hint = await tab.locator("#plot p.hint").allInnerTexts();
seen.note = await tab.locator("#plot p:not(.hint)").allInnerTexts();
seen.theme = await tab.evaluate(() => ["title", "aria-label"].map((name) => document.getElementById("theme").getAttribute(name)));
seen.time = await tab.evaluate(() => document.querySelectorAll("#plot canvas").length);
const all = await frames();
seen.table = await tab.locator("#tables [aria-pressed=true]").innerText();
seen.yours = await rows("tbody");
seen.yourSums = await rows("tfoot");
await tab.locator("#all").click();
seen.first = all.slice(0, 400);
seen.rows = await rows("tbody");
seen.sums = await rows("tfoot");
seen.mark = await tab.evaluate(() => {
  const canvas = document.querySelector("#plot canvas");
  if (!canvas) return 0;
  const wanted = parseInt(getComputedStyle(document.documentElement).getPropertyValue("--mark").trim().slice(1), 16);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let pixels = 0;
  for (let i = 0; i < data.length; i += 4) pixels += Number(data[i] * 65536 + data[i + 1] * 256 + data[i + 2] === wanted && data[i + 3] === 255);
  return pixels;
});
seen.back = await tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
await shoot("light", true);
seen.imports = {};
for (const how of ["one", "short", "full"]) {
  await tab.locator("#imports").selectOption(how);
  await settle();
  seen.imports[how] = (await frames()).map((f) => f.name);
  await shoot(`imports-${how}`);
}
if (glance) {
  console.log(JSON.stringify(seen));
  await browser.close();
  process.exit(0);
}

const big = all.filter((f) => f.name !== "all").sort((a, b) => b.width - a.width || b.top - a.top).find((f) => f.width < 0.95 * seen.first[0].width) ?? all[all.length - 1];
await tab.mouse.move(big.left + big.width / 2, big.top + 8);
await settle();
seen.tip = await text("#tip");
await shoot("tip");
seen.places = [await places()];
await tab.mouse.click(big.left + big.width / 2, big.top + 8);
await settle();
seen.clicked = big;
seen.zoomed = (await frames()).find((f) => f.name === big.name && f.current);
seen.places.push(await places());
seen.reset = await tab.locator("#reset").isVisible();
await shoot("zoomed");
await tab.mouse.move(5, 5);
await tab.keyboard.press("Escape");
await settle();
seen.whole = shape(await frames());

await tab.keyboard.press("ArrowDown");
await tab.keyboard.press("ArrowDown");
seen.chosen = await text("#chosen");
await tab.keyboard.press("Enter");
await settle();
seen.entered = (await frames()).find((f) => f.current);
await tab.keyboard.press("Escape");
await settle();
seen.walk = [];
for (const key of ["ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp"]) {
  await tab.keyboard.press(key);
  seen.walk.push((await frames()).find((f) => f.current)?.name);
}

await tab.keyboard.press("/");
const words = big.name.split("  ")[0];
await tab.keyboard.type(words);
await settle();
seen.searched = words;
seen.found = await text("#found");
for (const other of [false, true])
  seen[other ? "unmarked" : "marked"] = (await frames()).filter((f) => f.other === other).map((f) => f.name);
seen.foundRows = await rows("tbody");
await shoot("search");
await tab.keyboard.press("Escape");

await tab.locator("#flame").click();
await settle();
seen.flame = shape(await frames());
await shoot("flame");
await tab.locator("#icicle").click();
seen.roots = {};
seen.sorted = {};
for (const key of ["live", "total", "temporary", "peak"]) {
  await tab.locator(`#measures [data-key=${key}]`).click();
  await settle();
  seen.roots[key] = (await frames())[0]?.value;
  seen.sorted[key] = (await rows("tbody")).map((row) => row.figures);
  if (key === "temporary") await shoot("temporary");
}
await tab.locator("#theme").click();
await settle();
seen.dark = await tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
await shoot("dark", true);
await tab.keyboard.press("?");
seen.manual = await tab.locator("#manual").isVisible();
await shoot("help");
await tab.keyboard.press("Escape");
const more = tab.locator("#lines .said button");
seen.more = await more.allInnerTexts();
if (await more.count()) await more.click();
seen.allSums = await rows("tfoot");
seen.allRows = (await rows("tbody")).length;
await tab.setViewportSize({ width: 700, height: 900 });
await settle();
seen.narrow = shape(await frames());
await shoot("narrow");
const night = await browser.newPage({ colorScheme: "dark" });
await night.goto(`file://${page}`);
seen.night = await night.evaluate(() => getComputedStyle(document.body).backgroundColor);
console.log(JSON.stringify(seen));
await browser.close();
