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
createRoot(elementOf("#graphiql", HTMLElement)).render(<Playground />);
