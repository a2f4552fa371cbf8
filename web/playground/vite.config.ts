import { join } from "node:path";
import type { Plugin, UserConfig } from "vite";
import { pageConfig } from "../page-config.ts";
import { monacoStyles } from "./monaco-styles.ts";

const page = pageConfig(import.meta.dirname);
const editor = join(import.meta.dirname, "src/editor");

/** Keeps Prettier out of the worker of GraphQL. GraphiQL formats documents outside the worker. */
const withoutPrettier: Plugin = {
  name: "without-prettier",
  enforce: "pre",
  resolveId: {
    filter: { id: /^prettier\// },
    handler: () => join(editor, "no-prettier.ts"),
  },
};

export default {
  ...page,
  resolve: {
    alias: [
      // Imported by monaco-graphql only.
      {
        find: "monaco-editor/esm/vs/editor/edcore.main.js",
        replacement: join(editor, "monaco.ts"),
      },
      {
        find: /^.*\/(?:diffEditor|multiDiffEditor)\/(?:diff|multiDiff)EditorWidget\.js$/,
        replacement: join(editor, "no-diff-editors.ts"),
      },
    ],
  },
  plugins: [page.plugins, monacoStyles()],
  worker: { plugins: () => [withoutPrettier] },
} satisfies UserConfig;
