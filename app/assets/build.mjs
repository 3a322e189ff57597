// Build CSS and JavaScript into ../static/dist with content-hashed names, and a manifest of them.
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const finished = join(here, "../static/dist");
const draft = join(here, "../static/dist.draft");

// The name a page asks for, and the source behind it.
const entries = {
  "main.js": "src/main.ts",
  "chart.js": "src/chart.ts",
  "portal.css": "css/portal.css",
  "desk.css": "css/desk.css",
  "logo.svg": "images/logo.svg",
};

await rm(draft, { recursive: true, force: true });
await mkdir(draft, { recursive: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: Object.values(entries),
  outdir: draft,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: ["es2020", "chrome90", "firefox90", "safari14"],
  loader: { ".svg": "copy" },
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
});

const manifest = {};
for (const [file, output] of Object.entries(result.metafile.outputs)) {
  const name = Object.keys(entries).find((key) => entries[key] === output.entryPoint);
  if (name) manifest[name] = basename(file);
}
// Copied files have no entry point of their own in every version of esbuild.
for (const [name, source] of Object.entries(entries)) {
  manifest[name] ??= basename(
    Object.entries(result.metafile.outputs).find(([, o]) => source in o.inputs)?.[0] ?? "",
  );
  if (!manifest[name]) throw new Error(`nothing was built for ${name}`);
}
await writeFile(join(draft, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
await rm(finished, { recursive: true, force: true });
await rename(draft, finished);
