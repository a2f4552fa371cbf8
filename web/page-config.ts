import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin, UserConfig } from "vite";

/** Smaller files fit into one packet anyway. */
const minCompressedBytes = 1_000;
/** The best quality, 11, takes ten times as long and saves a tenth. */
const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
const isCompressible = /[.](?:html|js|css|svg|ttf)$/;

/** Writes a compressed copy of each file beside it, so that the gateway never compresses. */
function compressed(outDir: string): Plugin {
  return {
    name: "compressed-copies",
    apply: "build",
    closeBundle() {
      const names = readdirSync(outDir, { recursive: true, encoding: "utf8" });
      for (const name of names.filter((file) => isCompressible.test(file))) {
        const path = join(outDir, name);
        const content = readFileSync(path);
        if (content.length < minCompressedBytes) continue;
        writeFileSync(`${path}.br`, brotliCompressSync(content, brotli));
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}

const guard = readFileSync(join(import.meta.dirname, "entry-guard.js"), "utf8");

/** Adds the script that loads a page again if one of its first files fails. */
function guarded(): Plugin {
  return {
    name: "entry-guard",
    transformIndexHtml(html) {
      // Before the elements that load files.
      return html.replace("</title>", (title) => `${title}\n    <script>${guard}</script>`);
    },
  };
}

/** Returns the style of a page's first frame, which is a part of the page. */
function firstFrameStyle(name: string): string {
  return readFileSync(join(import.meta.dirname, name, "first-frame.css"), "utf8");
}

const builtElement = /^ *<(?:script type="module"|link rel="(?:modulepreload|stylesheet)").*\n/gm;

/**
 * Lets the browser show the first frame before it has any file: puts its style into the page, and
 * the elements that load files behind it, because style sheets in the head delay the first frame.
 * Scripts still wait for the style sheets, which come first.
 */
function firstFrame(name: string): Plugin {
  return {
    name: "first-frame",
    transformIndexHtml: {
      order: "post",
      handler(html) {
        const elements = html.match(builtElement) ?? [];
        const isStyle = (element: string) => element.includes('rel="stylesheet"');
        const sorted = [
          ...elements.filter(isStyle),
          ...elements.filter((element) => !isStyle(element)),
        ];
        return html
          .replace(builtElement, "")
          .replace(/^ *<\/head>/m, (end) => `    <style>${firstFrameStyle(name)}</style>\n${end}`)
          .replace(/^ *<\/body>/m, (end) => sorted.join("") + end);
      },
    },
  };
}

/**
 * Returns Vite's configuration of a page: its folder `web/NAME`, which is built to
 * `web/dist/NAME` and served below `/NAME/`. The development server sends what the page asks of the
 * shop to a running one.
 */
export function pageConfig(folder: string): UserConfig {
  const name = basename(folder);
  const outDir = join(import.meta.dirname, "dist", name);
  return {
    root: folder,
    base: `/${name}/`,
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2023",
      // The first ones with light-dark(): its replacement for older ones works only in the file that
      // sets color-scheme, and the style of the first frame, which does, is not built.
      cssTarget: ["chrome123", "edge123", "firefox120", "safari17.5"],
      manifest: true,
      // Inlined files would be data: URLs, which the Content-Security-Policy allows for images only.
      assetsInlineLimit: 0,
      // Its only use is for browsers that are older than the target.
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      // In kB. Monaco, the largest, is loaded after the page is visible.
      chunkSizeWarningLimit: 2_500,
      rolldownOptions: {
        onLog(level, log, handle) {
          // "use client" is for servers that render React; many packages have it.
          if (log.code !== "MODULE_LEVEL_DIRECTIVE") handle(level, log);
        },
      },
    },
    logLevel: "warn",
    plugins: [guarded(), firstFrame(name), compressed(outDir)],
    server: {
      proxy: { "/graphql": { target: "http://localhost:8080", ws: true } },
    },
  };
}
