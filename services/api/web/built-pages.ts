import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import type { ServiceBroker } from "moleculer";
import { hasCurrent } from "../../../core/network/entity-tags.ts";
import { pathOf } from "../../../core/network/request-target.ts";
import { sendText } from "../../../core/network/send.ts";
import { sendError } from "../http/http-server.ts";
import { BuiltFiles } from "./built-files.ts";

/** A page that `npm run build:web` builds to `web/dist/NAME`. */
interface BuiltPage {
  name: string;
  /** The Content-Security-Policy of the page and its files. */
  policy: string;
  /** Returns the name of the file for a path. */
  fileOf: (path: string) => string;
}

/** The hashes permit web/entry-guard.js and web/NAME/first-frame.css, which are parts of the page. */
export const entryGuardHash = "'sha256-YnTB3fwf9x/X0YeA+8Zvg78PqWeuuvK6qULugafHL4M='";
export const firstFrameHashes = {
  console: "'sha256-xTXUbxESHgDPAzgL9KmSxmpbraRCXA4PJqARkOrZBkI='",
  playground: "'sha256-InrpeiWnVhG9A8PXlhOep+Ea6FeJFS8ClvZxS/yxp/I='",
};

const allowsOwnFiles = [
  "default-src 'none'",
  `script-src 'self' ${entryGuardHash}`,
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

const consolePage: BuiltPage = {
  name: "console",
  policy: [
    ...allowsOwnFiles,
    // The other hash permits the inline style with which react-aria's dialogs lock scrolling in
    // Safari on phones.
    `style-src 'self' ${firstFrameHashes.console} 'sha256-gYiS/BvZvRcK27JIXTuwhZ3hs2+VJ1X+2gUlE+farlg='`,
  ].join("; "),
  // Any path that is no asset is a page of the console: the browser has its routes.
  fileOf: (path) => (path.startsWith("/console/assets/") ? belowRoot(path) : "index.html"),
};

const playgroundPage: BuiltPage = {
  name: "playground",
  policy: [
    ...allowsOwnFiles,
    // The other hash permits the inline style with which GraphiQL's dialogs lock scrolling.
    `style-src 'self' ${firstFrameHashes.playground} 'sha256-nzTgYzXYDNe6BAHiiI7NNlfK8n/auuOAhh2t92YvuXo='`,
    "font-src 'self'",
    "worker-src 'self'",
  ].join("; "),
  fileOf: (path) => (path === "/" ? "index.html" : belowRoot(path)),
};

const consoleAlias = "GET /console{/*path}";
const playgroundAlias = "GET /playground/assets/:name";

/** Returns the console, by its alias. */
export function consoleAliases() {
  return { [consoleAlias]: answerWith(consolePage) };
}

/** Returns the playground, by its aliases. */
export function playgroundAliases() {
  const answer = answerWith(playgroundPage);
  return { "GET /": answer, [playgroundAlias]: answer };
}

/** Returns the alias of a path that has many paths beside it; undefined for other paths. */
export function aliasOf(path: string): { alias: string; route: string } | undefined {
  if (path === "/console" || path.startsWith("/console/")) {
    return { alias: consoleAlias, route: "/console" };
  }
  if (path.startsWith("/playground/assets/")) {
    return { alias: playgroundAlias, route: "/playground" };
  }
  return undefined;
}

/** Returns the path without its first folder, which has the name of the page. */
function belowRoot(path: string): string {
  return path.slice(path.indexOf("/", 1) + 1);
}

const yearSeconds = 31_536_000;
const notBuilt = "The page is not built. Run: npm run build:web\n";

/** Makes the function that answers requests for a page and its files. */
function answerWith({ name, policy, fileOf }: BuiltPage) {
  const folder = fileURLToPath(new URL(`../../../web/dist/${name}`, import.meta.url));
  let files = new BuiltFiles(folder);
  return async function (
    this: { broker: ServiceBroker },
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<void> {
    if (!files.isBuilt) files = new BuiltFiles(folder);
    if (!files.isBuilt) {
      sendText(res, 503, notBuilt);
      return;
    }
    const file = await files.find(fileOf(pathOf(req)), req.headers["accept-encoding"]);
    if (file === undefined) {
      sendError(res, { code: 404 }, this.broker.logger);
      return;
    }
    const { content, contentType, encoding, etag, isImmutable } = file;
    res.appendHeader("vary", "accept-encoding");
    res.setHeader("etag", etag);
    res.setHeader(
      "cache-control",
      isImmutable ? `public, max-age=${yearSeconds}, immutable` : "no-cache",
    );
    res.setHeader("content-security-policy", policy);
    if (hasCurrent(req.headers["if-none-match"], etag)) {
      res.writeHead(304).end();
      return;
    }
    if (encoding !== undefined) res.setHeader("content-encoding", encoding);
    sendText(res, 200, content, contentType);
  };
}
