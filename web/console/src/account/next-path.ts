const base = "/console";

/** Tells whether a page is only for users who are not signed in: after a sign-in, it leads on. */
export function isSignInPage(path: string): boolean {
  return /^\/(?:sign-in|register|reset-password)\b/.test(path);
}

/** Returns the page to show after a sign-in. Only pages of the console: a link must not lead away. */
export function nextPath(params: URLSearchParams): string {
  // As the browser will read it: without dot segments, in any of their spellings.
  const url = URL.parse(`${base}${params.get("next") ?? "/"}`, "http://shop.invalid");
  if (url?.pathname.startsWith(`${base}/`) !== true) return "/";
  const next = url.pathname.slice(base.length);
  if (next.startsWith("//") || isSignInPage(next)) return "/";
  return next + url.search + url.hash;
}
