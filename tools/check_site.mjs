// Prints what axe-core finds in pages of a built site that is serious, light and dark, on a desk and on a telephone, a
// line each, and fails then: check_site.mjs FOLDER PAGE...
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(new URL("../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [, , folder, ...pages] = process.argv;
const executablePath = process.env.CHROMIUM || ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
let serious = 0;
for (const [colorScheme, width] of [["light", 1280], ["dark", 420]]) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, offline: true, colorScheme, reducedMotion: "reduce" });
  for (const page of pages) {
    const tab = await context.newPage();
    await tab.goto(`file://${resolve(folder, page)}`);
    await tab.evaluate(axe);
    const { violations } = await tab.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    for (const { id, impact, nodes } of violations.filter((one) => ["serious", "critical"].includes(one.impact))) {
      console.error(`${page} (${colorScheme}, ${width}): ${impact}: ${id}: ${nodes[0].html.slice(0, 120)}`);
      serious++;
    }
    await tab.close();
  }
}
await browser.close();
process.exit(serious ? 1 : 0);
