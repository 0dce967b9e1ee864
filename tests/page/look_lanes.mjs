// Opens a page of many recordings and prints as JSON what is in its lanes: look_lanes.mjs CHROMIUM PAGE [SCREENSHOT]
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
await tab.waitForSelector("#members canvas");
await tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
const lanes = await tab.locator("#members canvas").boundingBox();
seen.summary = await tab.locator("#summary").innerText();
seen.filled = await tab.evaluate(() => {
  const canvas = document.querySelector("#members canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, i) => i % 4 === 3 && value > 90).length;
});
await tab.mouse.move(lanes.x + lanes.width / 2, lanes.y + 32); // the second
seen.tip = await tab.locator("#tip").innerText();
if (screenshot) await tab.screenshot({ path: screenshot });
console.log(JSON.stringify(seen));
await browser.close();
