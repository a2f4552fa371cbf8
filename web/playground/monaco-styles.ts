import type { Plugin } from "vite";

/** A text of a module of Monaco, and what replaces it. */
interface Patch {
  /** The end of the module's path. */
  module: string;
  text: string;
  replacement: string;
}

const styleElements = {
  text: "document.createElement('style')",
  replacement: "document.createElement('adopted-style')",
};
const styleAttributes = { text: `style="`, replacement: `data-style="` };

/** The modules whose HTML is parsed by viewLayer.js, which applies the renamed attributes. */
const htmlModules = [
  "editor/browser/view/viewOverlays.js",
  "editor/browser/viewParts/currentLineHighlight/currentLineHighlight.js",
  "editor/browser/viewParts/decorations/decorations.js",
  "editor/browser/viewParts/indentGuides/indentGuides.js",
  "editor/browser/viewParts/lineNumbers/lineNumbers.js",
  "editor/browser/viewParts/lines/viewLine.js",
  "editor/browser/viewParts/linesDecorations/linesDecorations.js",
  "editor/browser/viewParts/marginDecorations/marginDecorations.js",
  "editor/browser/viewParts/selections/selections.js",
  "editor/browser/viewParts/whitespace/whitespace.js",
  "editor/common/viewLayout/viewLineRenderer.js",
];

const applied = (root: string) =>
  `for (const element of ${root}.querySelectorAll("[data-style]")) {
    element.style.cssText = element.dataset.style;
    delete element.dataset.style;
  }`;
const parsedLines = "let currChild = this._domNode.lastChild;";
const parsedInvalidLines = "hugeDomNode.innerHTML = invalidLinesHTML;";

const patches: readonly Patch[] = [
  { module: "base/browser/dom.js", ...styleElements },
  { module: "base/browser/ui/contextview/contextview.js", ...styleElements },
  ...htmlModules.map((module) => ({ module, ...styleAttributes })),
  {
    module: "editor/browser/view/viewLayer.js",
    text: parsedLines,
    replacement: `${applied("this._domNode")} ${parsedLines}`,
  },
  {
    module: "editor/browser/view/viewLayer.js",
    text: parsedInvalidLines,
    replacement: `${parsedInvalidLines} ${applied("hugeDomNode")}`,
  },
];

const folder = "/monaco-editor/esm/vs/";

/**
 * Changes how Monaco adds styles, so that the page works with a Content-Security-Policy without
 * `'unsafe-inline'`: style sheets by elements of src/editor/adopted-style.ts, and the styles of
 * elements by script instead of by an attribute in HTML. Another version of Monaco, which these changes
 * do not fit, fails the build.
 */
export function monacoStyles(): Plugin {
  const missing = new Set(patches);
  return {
    name: "monaco-styles",
    transform: {
      filter: { id: /\/monaco-editor\/esm\/vs\// },
      handler(code, id) {
        const own = patches.filter(({ module }) => id.endsWith(folder + module));
        if (own.length === 0) return undefined;
        let changed = code;
        for (const patch of own) {
          if (!changed.includes(patch.text)) continue;
          changed = changed.replaceAll(patch.text, patch.replacement);
          missing.delete(patch);
        }
        return { code: changed, map: null };
      },
    },
    buildEnd(error) {
      if (error !== undefined || missing.size === 0) return;
      const places = [...missing].map(({ module, text }) => `${text} in ${module}`);
      throw new Error(`Monaco has changed. These texts are not found: ${places.join("; ")}.`);
    },
  };
}
