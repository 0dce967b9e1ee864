// Opens the page of several processes in Chromium, turns it to holders, of all and of one of them, and prints as JSON what it shows.
// look_holders.mjs CHROMIUM PAGE MEMBER WITHOUT [PICTURE] (numbers of one that says it and of one that does not; a file name's beginning)
import { open } from "./open.mjs";

const [, , executablePath, page, member, without, picture] = process.argv;
const { browser, tab, seen, settle } = await open(executablePath, page);
const look = async () => {
  await settle();
  return tab.evaluate(() => ({
    pressed: [...document.querySelectorAll("#views [aria-pressed=true], #measures [aria-pressed=true]")].map((one) => one.innerText.split("\n")[0]),
    frames: [...document.querySelectorAll("#graph g.frame")].map((cell) => {
      const { data, parent, depth, value } = cell.__data__, { frame } = data;
      return { name: cell.querySelector(".d3-flame-graph-label").textContent, above: parent?.data.frame.label ?? "", depth, value, facts: frame.facts ?? [] };
    }),
    notices: [...document.querySelectorAll("#notices li")].map((one) => one.innerText),
    offered: !document.getElementById("held").disabled,
    chosen: document.getElementById("member").value,
  }));
};
const shoot = async (name) => {
  for (const scheme of picture ? ["light", "dark"] : []) {
    await tab.emulateMedia({ colorScheme: scheme });
    await settle();
    await tab.screenshot({ path: `${picture}-${name}-${scheme}.png` });
  }
  await tab.emulateMedia({ colorScheme: "light" });
};

seen.known = await tab.locator("#held").isVisible();
if (seen.known) {
  await tab.locator("#held").click();
  seen.all = await look();
  await shoot("all");
  await tab.selectOption("#member", member);
  seen.alone = await look();
  await shoot("alone");
  await tab.selectOption("#member", without);
  seen.without = await look();
  await shoot("without");
  await tab.selectOption("#member", member);
  seen.stacks = await look();
  await tab.locator("#held").click();
  seen.again = await look();
  await tab.selectOption("#member", "");
  seen.together = await look();
  await tab.setViewportSize({ width: 420, height: 900 });
  await settle();
  seen.wide = await tab.evaluate(() => document.documentElement.scrollWidth);
  if (picture) await tab.screenshot({ path: `${picture}-420.png` });
}
console.log(JSON.stringify(seen));
await browser.close();
