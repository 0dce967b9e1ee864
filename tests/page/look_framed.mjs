// Opens a page in frames as notebooks have them, on backgrounds written in each way that CSS knows, and prints the theme
// that it takes in each: look_framed.mjs CHROMIUM PAGE BACKGROUND...
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const [, , executablePath, page, ...backgrounds] = process.argv;
const text = readFileSync(page, "utf8").replaceAll("&", "&amp;").replaceAll('"', "&quot;");
const frames = backgrounds.map((one) => `<div style="background:${one}"><p><iframe srcdoc="${text}"></iframe></p></div>`);
writeFileSync(`${page}.framed.html`, frames.join("\n"));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const seen = { problems: [], requests: [], themes: [] };
for (const colorScheme of ["light", "dark"]) {
  const tab = await (await browser.newContext({ offline: true, colorScheme })).newPage();
  tab.on("pageerror", (error) => seen.problems.push(error.message));
  await tab.goto(`file://${page}.framed.html`);
  for (const frame of tab.frames().slice(1)) {
    await frame.waitForSelector("#graph g");
    seen.themes.push(await frame.evaluate(() => document.documentElement.dataset.theme));
  }
}
console.log(JSON.stringify(seen));
await browser.close();
