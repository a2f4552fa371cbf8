import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { QueryClientProvider } from "@tanstack/react-query";
import { Router } from "wouter";
import { App } from "./app/app.tsx";
import { applyTheme } from "./app/theme.ts";
import { queryClient } from "./api/query-client.ts";
import "./app/tokens.css";
import "./app/base.css";

applyTheme();
const root = document.querySelector("#root");
if (root === null) throw new Error("The page has no element #root.");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <Router base="/console">
        <App />
      </Router>
    </QueryClientProvider>
  </StrictMode>,
);
