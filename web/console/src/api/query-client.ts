import { QueryClient } from "@tanstack/react-query";

/** A result of this age or less is shown without reading it again. */
const staleMs = 20_000;

/** The cache of query results. */
export const queryClient = new QueryClient({
  defaultOptions: {
    // The client of the shop repeats requests itself.
    queries: { retry: false, staleTime: staleMs },
    // An order must not be sent later, when the browser is online again and the user elsewhere.
    mutations: { retry: false, networkMode: "always" },
  },
});
