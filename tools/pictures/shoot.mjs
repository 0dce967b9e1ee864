// Takes pictures of pages in Chromium: node shoot.mjs < shots.json
// A shot: { url, out, scheme, width, height, wait, offline, click, clip }. Fails where a page throws, or asks a network.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });

const shoot = async ({ url, out, scheme, width, height, wait, offline = true, click, clip }) => {
  const context = await browser.newContext({
    viewport: { width, height }, deviceScaleFactor: 1.5, colorScheme: scheme, reducedMotion: "reduce", offline,
  });
  const tab = await context.newPage();
  const problems = [];
  tab.on("pageerror", (error) => problems.push(error.message));
  if (offline) {
    tab.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    tab.on("request", (request) => request.url().startsWith("file:") || problems.push(`asks for ${request.url()}`));
  }
  await tab.goto(url);
  await tab.locator(wait).first().waitFor({ timeout: 60000 });
  for (const target of click ?? []) await tab.locator(target).first().click();
  // Pages draw in the frame after their data: two of them, with the fonts there.
  await tab.evaluate(() => document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))));
  const target = clip ? tab.locator(clip).first() : tab;
  await target.screenshot({ path: out });
  if (problems.length) throw new Error(`${url}: ${problems.join("; ")}`);
  await context.close();
};

try {
  for (const shot of JSON.parse(readFileSync(0, "utf8"))) await shoot(shot);
} finally {
  await browser.close();
}
