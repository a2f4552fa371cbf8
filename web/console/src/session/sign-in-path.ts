import { useLocation } from "wouter";
// The hook of the same name in wouter decodes a part of the address, and `next` has addresses in it.
import { useSearch } from "wouter/use-browser-location";
import { isSignInPage, nextPath } from "../account/next-path.ts";

/** Returns the address of a page for users who are not signed in, which leads on to `next`. */
export function pathWithNext(
  page: "/sign-in" | "/register" | "/reset-password",
  next: string,
): string {
  return next === "/" ? page : `${page}?next=${encodeURIComponent(next)}`;
}

/** Returns the page to show after a sign-in, as the address of this page has it. */
export function useNextPath(): string {
  return nextPath(new URLSearchParams(useSearch()));
}

/** Returns the address of the sign-in page that leads back to this page with its filters. */
export function useSignInPath(): string {
  const [path] = useLocation();
  const search = useSearch();
  const next = useNextPath();
  return pathWithNext("/sign-in", isSignInPage(path) ? next : path + search);
}
