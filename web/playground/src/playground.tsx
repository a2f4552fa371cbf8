import { useEffect } from "react";
import { pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { GraphiQL } from "graphiql";
import { elementOf } from "./elements.ts";
import { exampleGroups, welcome } from "./examples.ts";
import { fetcher } from "./fetcher.ts";
import { filledIn } from "./known-values.ts";
import { openMenu } from "./menu.ts";
import { plainTabs } from "./plain-tabs.ts";

const examplesButton = elementOf("#examples", HTMLButtonElement);
/** GraphiQL's own font is not bundled, and its setting names no other one. */
const fontFamily = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";

/**
 * Connects the page with GraphiQL's editors. Only descendants of GraphiQL can access them, hence a
 * component that renders nothing.
 */
function Connection(): null {
  const actions = useGraphiQLActions();
  const { theme, queryEditor, variableEditor, headerEditor, responseEditor } = useGraphiQL(
    pick("theme", "queryEditor", "variableEditor", "headerEditor", "responseEditor"),
  );

  useEffect(() => {
    for (const editor of [queryEditor, variableEditor, headerEditor, responseEditor]) {
      // Monaco dims the number of an empty last line on Linux: too little contrast.
      editor?.updateOptions({ fontFamily, wordWrap: "on", renderFinalNewline: "on" });
    }
  }, [queryEditor, variableEditor, headerEditor, responseEditor]);

  useEffect(() => {
    if (queryEditor === undefined) return;
    const close = openMenu(examplesButton, exampleGroups, (example) => {
      actions.addTab();
      queryEditor.setValue(filledIn(example));
      queryEditor.focus();
    });
    examplesButton.disabled = false;
    return close;
  }, [queryEditor, actions]);

  // The tabs are there as soon as there is an editor.
  useEffect(() => (queryEditor === undefined ? undefined : plainTabs()), [queryEditor]);

  useEffect(() => {
    const focused = variableEditor?.onDidFocusEditorText(() => void checkJson());
    return () => {
      focused?.dispose();
    };
  }, [variableEditor]);

  useEffect(() => {
    const darkness = matchMedia("(prefers-color-scheme: dark)");
    // GraphiQL asks for the system's colour scheme only when a theme is set.
    const onChange = () => {
      actions.setTheme(theme);
    };
    darkness.addEventListener("change", onChange);
    return () => {
      darkness.removeEventListener("change", onChange);
    };
  }, [theme, actions]);

  return null;
}

/** Has Monaco check JSON. It is loaded, because editors exist. */
async function checkJson(): Promise<void> {
  const monaco = await import("./editor/monaco.ts");
  monaco.checkJson();
}

/** GraphiQL with the shop's examples and token. */
export function Playground() {
  return (
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={[{ query: welcome }]}
      defaultQuery=""
      // The input includes passwords, which must not outlive the browser tab.
      storage={sessionStorage}
    >
      <Connection />
    </GraphiQL>
  );
}
