import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { QueryClientProvider } from "@tanstack/react-query";
import { Router } from "wouter";
import { App } from "./app/app.tsx";
import { applyTheme } from "./app/theme.ts";
import { queryClient } from "./api/query-client.ts";
import { navigateGuarded, useShownLocation, useShownSearch } from "./unsaved/guarded-location.ts";
import { keepFocus } from "./ui/keep-focus.ts";
import { removeStaleAnnouncements } from "./ui/stale-announcements.ts";
import "./app/base.css";

applyTheme();
removeStaleAnnouncements();
const root = document.querySelector<HTMLElement>("#root");
if (root === null) throw new Error("The page has no element #root.");
keepFocus(root);
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <Router
        base="/console"
        hook={useShownLocation}
        searchHook={useShownSearch}
        aroundNav={navigateGuarded}
      >
        <App />
      </Router>
    </QueryClientProvider>
  </StrictMode>,
);
// For web/entry-guard.js.
dispatchEvent(new Event("page-started"));
