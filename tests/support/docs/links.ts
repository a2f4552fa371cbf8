import { posix } from "node:path";
import { faultLines, type Page } from "./pages.ts";

/** Returns the dead links, anchors and paths of a page. */
export function deadLinks(
  page: Page,
  pages: ReadonlyMap<string, Page>,
  paths: readonly string[],
): string[] {
  const folder = posix.dirname(page.path);
  const faults = [
    ...page.links.map(({ line, text }) => ({ line, reason: faultOfLink(text) })),
    ...page.codeSpans.map(({ line, text }) => ({ line, reason: faultOfPath(text) })),
  ];

  function faultOfLink(target: string): string | undefined {
    // Other sites are not checked.
    if (/^[a-z]+:/i.test(target)) return undefined;
    const [file = "", anchor] = target.split("#");
    const path = file === "" ? page.path : posix.join(folder, decodeURI(file));
    const isThere = path === "." || paths.includes(path.replace(/\/$/, ""));
    if (!isThere) return `The link to ${target} names no file.`;
    if (anchor === undefined) return undefined;
    if (pages.get(path)?.anchors.has(anchor) === true) return undefined;
    return `The link to ${target} names no heading of ${path}.`;
  }

  function faultOfPath(text: string): string | undefined {
    if (!looksLikePath(text, folder, paths)) return undefined;
    // ".unit.test.ts" is the end of a name.
    const pattern = (/^\.\w+\./.test(text) ? `*${text}` : text)
      .replace(/^\.\//, "")
      .replace(/\/$/, "")
      .replaceAll(/<[^>]*>/g, "*");
    const places = [
      pattern,
      posix.join(folder, pattern),
      ...(pattern.includes("/") ? [] : [`**/${pattern}`]),
    ];
    const isThere = places.some((place) =>
      /[*{]/.test(place)
        ? paths.some((path) => posix.matchesGlob(path, place))
        : paths.includes(place),
    );
    return isThere ? undefined : `The path ${text} does not exist.`;
  }

  return faultLines(
    page,
    faults.filter((fault): fault is { line: number; reason: string } => fault.reason !== undefined),
  );
}

/** Files that readers write. */
const filesOfReaders = ["docker-compose.override.yml"];

/** Names of source files; programs write files with other endings. */
const sourceFile = /^[\w.*{},-]*\w\.(ts|md|ya?ml|sql|cjs)$/;

/**
 * Returns true for the name of a source file, and for a path whose first folder is one of the
 * repository or of the page's folder.
 */
function looksLikePath(text: string, folder: string, paths: readonly string[]): boolean {
  if (sourceFile.test(text)) return !filesOfReaders.includes(text);
  // A text that begins with "/" is a path of the HTTP API or of another machine.
  if (!/^[\w.@*{<][\w./@*{},<>-]*$/.test(text)) return false;
  const [first = "", ...rest] = text.replace(/^\.\//, "").split("/");
  if (rest.length === 0) return false;
  return paths.includes(first) || paths.includes(posix.join(folder, first));
}
