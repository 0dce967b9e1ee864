// Builds a page: node build.mjs page|heap|diff OUTPUT. What all have is src/frame.html; a page's own file
// has its buttons, @@BODY@@, and what stands below the header. The script's hash goes into the content
// security policy, so that nothing else can ever run in the page.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const read = (file) => readFileSync(join(here, file), "utf8");
const [, , name, output] = process.argv;
const [entry, own] = { page: ["src/page.ts", "src/page.css"], heap: ["src/heap/page.ts", "src/heap/heap.css"],
  diff: ["src/diff/page.ts", "src/diff/diff.css"] }[name];
const bundle = await build({
  entryPoints: [join(here, entry)], bundle: true, minify: true, write: false, format: "iife",
  target: "es2020", charset: "ascii", legalComments: "none", loader: { ".css": "empty" },
});
const script = bundle.outputFiles[0].text.replaceAll("</script", "<\\/script");
const style = ["node_modules/uplot/dist/uPlot.min.css", "src/theme.css", own].map(read).join("");
const hash = createHash("sha256").update(script).digest("base64");
const [buttons, body] = read(`src/${name}.html`).split("@@BODY@@\n");
const page = read("src/frame.html").replace("@@BUTTONS@@\n", () => buttons).replace("@@BODY@@\n", () => body)
  .replace("@@HASH@@", hash).replace("@@STYLE@@", () => style)
  .replace("@@SCRIPT@@", () => script);
mkdirSync(dirname(output), { recursive: true });
writeFileSync(output, page);
