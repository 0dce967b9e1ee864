// Drives a JupyterLab page in Chromium: node lab.mjs URL ACTION OUT < cells.json
// Prints one JSON document with what the page shows. `type`: types cells, runs them, interrupts
// the one that does not end, saves. `look`: opens the saved notebook and only looks.
import { chromium } from "playwright-core";
import { readFileSync } from "node:fs";

const [url, action, out] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 2600 } });
const complaints = [];
page.on("pageerror", (error) => complaints.push(String(error)));

const cell = (i) => page.locator(".jp-Notebook .jp-CodeCell").nth(i);

async function open() {
  await page.goto(url);
  await page.locator(".jp-Notebook .jp-CodeCell").first().waitFor({ timeout: 60000 });
  await page.locator("#jupyterlab-splash").waitFor({ state: "detached", timeout: 60000 });
}

async function idle() {
  await page
    .locator("#jp-main-statusbar", { hasText: /ipykernel\) \| Idle/ })
    .waitFor({ timeout: 60000 });
}

// Types source into cell i and runs it; the editor's automatic brackets and indents are undone by
// inserting the text in one go, as an input method does.
async function run(i, source) {
  await cell(i).locator(".cm-content").click();
  await page.keyboard.insertText(source);
  await page.keyboard.press("Shift+Enter");
  await prompt(i, /\[[*\d]+\]:/, 10000).catch(() => again(i));
}

// A page that still connects to its kernel takes the keys and runs nothing.
async function again(i) {
  await cell(i).locator(".cm-content").click();
  await page.keyboard.press("Control+Enter");
  await prompt(i, /\[[*\d]+\]:/);
}

async function prompt(i, text, timeout = 60000) {
  const wanted = cell(i).locator(".jp-InputPrompt", { hasText: text });
  await wanted.first().waitFor({ timeout });
}

async function type(cells) {
  await idle();
  for (const [i, one] of cells.entries()) {
    await run(i, one.source);
    if (one.interrupt) {
      await cell(i).locator(".jp-OutputArea-output", { hasText: "started" }).waitFor();
      await page.locator('[data-command="notebook:interrupt-kernel"]').first().click();
    }
    await prompt(i, /\[\d+\]:/);
  }
  await page.keyboard.press("Control+s");
  await page.locator(".jp-DirtyIndicator, .jp-mod-dirty").first().waitFor({ state: "detached" });
}

// What a reader gets: text, and what assistive technology and the eye find in each output.
function describe() {
  const colour = (node) => getComputedStyle(node).backgroundColor;
  return [...document.querySelectorAll(".jp-Notebook .jp-CodeCell")].map((node) => ({
    text: node.querySelector(".jp-OutputArea")?.innerText ?? "",
    tables: [...node.querySelectorAll(".jp-OutputArea table")].map((table) => ({
      caption: table.caption?.innerText ?? "",
      heads: [...table.querySelectorAll("th[scope=col]")].map((th) => th.innerText),
      rowHeads: table.querySelectorAll("th[scope=row]").length,
      bars: [...table.querySelectorAll("td > div")].map((bar) => ({
        width: bar.getBoundingClientRect().width,
        height: bar.getBoundingClientRect().height,
        colour: colour(bar),
      })),
      marked: [...table.querySelectorAll("tr")]
        .filter((row) => row.cells.length && colour(row.cells[0]) === "rgba(232, 89, 12, 0.18)")
        .map((row) => row.innerText),
      ink: getComputedStyle(table.querySelector("td")).color,
    })),
    pictures: [...node.querySelectorAll(".jp-OutputArea img")].map((img) => ({
      alt: img.alt,
      loaded: img.complete && img.naturalWidth > 0,
      width: img.getBoundingClientRect().width,
      height: img.getBoundingClientRect().height,
    })),
    pages: [...node.querySelectorAll(".jp-OutputArea iframe")].map((frame) => ({
      drawn: frame.contentDocument?.querySelectorAll("#graph g.frame").length ?? 0,
      paper: frame.contentDocument && getComputedStyle(frame.contentDocument.body).backgroundColor,
      said: frame.contentDocument?.body.innerText ?? "",
    })),
    forbidden: [...node.querySelectorAll(".jp-OutputArea :is(script, style, svg, iframe)")]
      .filter((one) => one.closest(".jp-RenderedHTMLCommon"))
      .map((one) => one.outerHTML.slice(0, 200)),
  }));
}

try {
  await open();
  if (action === "type") await type(JSON.parse(readFileSync(0, "utf8")));
} catch (error) {
  await page.screenshot({ path: `${out}-failed.png` });
  throw error;
}
await page.locator(".jp-OutputArea img").first().waitFor();
if (await page.locator(".jp-OutputArea iframe").count())
  await page.frameLocator(".jp-OutputArea iframe").first().locator("#graph g.frame").first().waitFor();
const trusted = await page.evaluate(() =>
  Boolean(document.querySelector('[data-icon="ui-components:trusted"]')),
);
const report = {
  cells: await page.evaluate(describe),
  trusted,
  probe: await page.evaluate(() => window.probe ?? null),
  paper: await page.evaluate(() => getComputedStyle(document.body).getPropertyValue("--jp-layout-color0")),
  complaints,
};
await page.locator(".jp-Notebook").first().screenshot({ path: `${out}.png` });
console.log(JSON.stringify(report));
await browser.close();
