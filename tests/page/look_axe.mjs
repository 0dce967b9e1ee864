// Opens a page in Chromium and prints as JSON what axe-core finds in it, what of it scrolls sideways in a narrow
// window, and what the keyboard reaches: look_axe.mjs CHROMIUM PAGE WAIT_FOR
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const [, , executablePath, page, wanted] = process.argv;
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const seen = { problems: [], requests: [], found: [], wide: {}, inner: [], reached: [] };

for (const [colorScheme, width] of [["light", 1280], ["dark", 1280], ["light", 420]]) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, offline: true, colorScheme, reducedMotion: "reduce", bypassCSP: true });
  const tab = await context.newPage();
  tab.on("console", (message) => message.type() === "error" && seen.problems.push(message.text()));
  tab.on("pageerror", (error) => seen.problems.push(error.message));
  tab.on("request", (request) => request.url().startsWith("file:") || seen.requests.push(request.url()));
  await tab.goto(`file://${page}`);
  await tab.waitForSelector(wanted, { state: "attached" });
  await tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await tab.evaluate(axe);
  const { violations } = await tab.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, impact, help, nodes } of violations)
    seen.found.push({ colorScheme, width, id, impact, help, where: nodes.slice(0, 3).map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ""}`) });
  seen.wide[`${colorScheme} ${width}`] = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (width < 1000) {
    const source = tab.locator("#listed"); // of the heap's page: the other table
    if (await source.count()) await source.click();
    seen.inner = await tab.evaluate(() => [...document.querySelectorAll("body *")]
      .filter((one) => one.scrollWidth > one.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(one).overflowX)).map((one) => one.id || one.tagName));
    seen.cut = await tab.evaluate(() => [...document.querySelectorAll("td, th")]
      .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === "visible").map((one) => one.textContent));
  }
  if (width > 1000 && colorScheme === "light")
    for (let i = 0; i < 60; i++) {
      await tab.keyboard.press("Tab");
      seen.reached.push(await tab.evaluate(() => { const one = document.activeElement; return one?.id || one?.tagName || ""; }));
    }
  await context.close();
}
console.log(JSON.stringify(seen));
await browser.close();
