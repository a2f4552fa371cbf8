import { createRoot } from "react-dom/client";
// Not graphiql/style.css: it contains all of Monaco's style sheets and 350 kB of fonts.
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./playground.css";
import "./editor/workers.ts";
import { defineAdoptedStyle } from "./editor/adopted-style.ts";
import { elementOf } from "./elements.ts";
import { Playground } from "./playground.tsx";

defineAdoptedStyle();
void showConsoleLink();
createRoot(elementOf("#graphiql", HTMLElement)).render(<Playground />);
// For web/entry-guard.js.
dispatchEvent(new Event("page-started"));

/** Shows the link to the console, unless CONSOLE=false has turned the console off. */
async function showConsoleLink(): Promise<void> {
  const link = elementOf(".console", HTMLAnchorElement);
  const answer = await fetch(link.href, { method: "HEAD" }).catch(() => undefined);
  link.hidden = answer?.ok !== true;
}
