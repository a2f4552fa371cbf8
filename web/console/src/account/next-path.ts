const base = "/console";

/** Returns the page to show after a sign-in. Only pages of the console: a link must not lead away. */
export function nextPath(params: URLSearchParams): string {
  // As the browser will read it: without dot segments, in any of their spellings.
  const url = URL.parse(`${base}${params.get("next") ?? "/"}`, "http://shop.invalid");
  if (url?.pathname.startsWith(`${base}/`) !== true) return "/";
  const next = url.pathname.slice(base.length);
  if (next.startsWith("//") || /^\/(?:sign-in|register|reset-password)\b/.test(next)) return "/";
  return next + url.search + url.hash;
}
