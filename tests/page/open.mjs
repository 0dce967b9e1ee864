// A page opened in Chromium as the scripts here look at it: without a network, with what goes wrong kept in `seen`.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

/** `options`: of the browser's context, beside a window of 1280 x 1000. */
export const open = async (executablePath, page, options = {}) => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 1000 }, offline: true, reducedMotion: "reduce", ...options });
  const tab = await context.newPage();
  const seen = { problems: [], requests: [] };
  tab.on("console", (message) => message.type() === "error" && seen.problems.push(message.text()));
  tab.on("pageerror", (error) => seen.problems.push(error.message));
  tab.on("request", (request) => request.url().startsWith("file:") || seen.requests.push(request.url()));
  await tab.goto(`file://${page}`);
  await tab.waitForSelector("#graph g.frame");
  const settle = () => tab.evaluate(() => new Promise((done) => setTimeout(() => requestAnimationFrame(done), 60)));
  return { browser, context, tab, seen, settle };
};
