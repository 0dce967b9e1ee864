// Opens a file in speedscope as its own command does, prints what it imported as JSON.
// look_speedscope.mjs CHROMIUM FILE
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const [, , executablePath, file] = process.argv;
const script = `${file}.js`;
const content = readFileSync(file).toString("base64");
writeFileSync(script, `speedscope.loadFileFromBase64(${JSON.stringify(basename(file))}, ${JSON.stringify(content)})`);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--enable-unsafe-swiftshader"] });
const tab = await (await browser.newContext({ offline: true })).newPage();
const seen = { problems: [], requests: [] };
tab.on("dialog", (dialog) => { seen.problems.push(dialog.message()); dialog.dismiss(); });
tab.on("pageerror", (error) => seen.problems.push(error.message));
const index = join(dirname(require.resolve("speedscope/package.json")), "dist/release/index.html");
await tab.goto(`file://${index}#localProfilePath=${script}&view=sandwich`);
await tab.waitForSelector("tbody tr, table tr", { timeout: 30000 });
seen.title = await tab.title();
seen.text = await tab.evaluate(() => document.body.innerText);
console.log(JSON.stringify(seen));
await browser.close();
