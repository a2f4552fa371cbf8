import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { projectDir } from "../../tools/support/processes.ts";

/** A file of the build, as Vite's manifest describes it. */
interface Chunk {
  file: string;
  css?: string[];
  imports?: string[];
}

const folder = join(projectDir, "web", "dist", "console");
const manifest = JSON.parse(readFileSync(join(folder, ".vite", "manifest.json"), "utf8")) as Record<
  string,
  Chunk
>;
const maxFirstLoadBytes = 250_000;

/** Returns the files that the browser loads for a module, with those that it imports. */
function filesOf(name: string, found = new Set<string>()): Set<string> {
  const { file, css = [], imports = [] } = manifest[name] ?? { file: "" };
  if (file === "" || found.has(file)) return found;
  for (const path of [file, ...css]) found.add(path);
  for (const imported of imports) filesOf(imported, found);
  return found;
}

/** Returns the bytes that the gateway sends with gzip. */
function sentBytes(file: string): number {
  const [compressed = file] = globSync(`${file}.gz`, { cwd: folder });
  return statSync(join(folder, compressed)).size;
}

// The pages that users open first.
test.each(["catalogue/catalogue-page.tsx", "basket/basket-page.tsx", "orders/order-page.tsx"])(
  "the first load of %s has at most 250 kB with gzip",
  (page) => {
    const files = filesOf(`src/${page}`, filesOf("index.html"));
    expect(files.size).toBeGreaterThan(2);
    const bytes = [...files].reduce((sum, file) => sum + sentBytes(file), 0);
    expect(bytes).toBeLessThan(maxFirstLoadBytes);
  },
);

test("customers load no file of the pages for admins", () => {
  const first = [...filesOf("index.html")].join(" ");
  expect(first).not.toMatch(/admin|operations/);
});

const texts = (pattern: string) =>
  globSync(pattern, { cwd: folder }).map((name) => readFileSync(join(folder, name), "utf8"));

test("all variables of the styles are defined", () => {
  const styles = [...texts("**/*.css"), ...texts("*.html")].join("\n");
  const scripts = texts("**/*.js").join("\n");
  const names = (text: string, pattern: RegExp) =>
    new Set([...text.matchAll(pattern)].map(([, name]) => name));
  const used = names(styles, /var\((--[\w-]+)(?!\s*,)[\s)]/g);
  const defined = names(styles, /(--[\w-]+)\s*:/g);
  const set = names(scripts, /["'`](--[\w-]+)["'`]/g);
  expect(used.size).toBeGreaterThan(10);
  expect([...used].filter((name) => !defined.has(name) && !set.has(name))).toEqual([]);
});

test("colours follow the theme, which no built style sheet sets", () => {
  const styles = texts("**/*.css").join("\n");
  expect(styles).toContain("light-dark(");
  expect(styles).not.toContain("--lightningcss-");
});
