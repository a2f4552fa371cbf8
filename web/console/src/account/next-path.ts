/** Returns the page to show after a sign-in. Only pages of the console: a link must not lead away. */
export function nextPath(params: URLSearchParams): string {
  const next = params.get("next") ?? "/";
  const isOwn = next.startsWith("/") && !next.startsWith("//") && !next.includes("\\");
  return isOwn && !/^\/(?:sign-in|register|reset-password)\b/.test(next) ? next : "/";
}
