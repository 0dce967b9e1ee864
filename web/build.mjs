// Builds the page: node build.mjs OUTPUT. The script's hash goes into the content security
// policy, so that nothing else can ever run in the page.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const output = process.argv[2];
const bundle = await build({
  entryPoints: [join(here, "src/page.ts")], bundle: true, minify: true, write: false,
  format: "iife", target: "es2020", charset: "ascii", legalComments: "none",
});
const script = bundle.outputFiles[0].text.replaceAll("</script", "<\\/script");
const style = readFileSync(join(here, "node_modules/uplot/dist/uPlot.min.css"), "utf8")
  + readFileSync(join(here, "src/page.css"), "utf8");
const hash = createHash("sha256").update(script).digest("base64");
const page = readFileSync(join(here, "src/page.html"), "utf8")
  .replace("@@HASH@@", hash).replace("@@STYLE@@", () => style)
  .replace("@@SCRIPT@@", () => script);
mkdirSync(dirname(output), { recursive: true });
writeFileSync(output, page);
