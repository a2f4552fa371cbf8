import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * What the page may load: its own files. The one inline style is the scroll lock that GraphiQL's
 * dialogs put on the body.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'sha256-nzTgYzXYDNe6BAHiiI7NNlfK8n/auuOAhh2t92YvuXo='",
  "img-src data:",
  "font-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export interface PlaygroundFile {
  /** In the file system, absolute. */
  path: string;
  contentType: string;
}

const html = "text/html; charset=utf-8";
const css = "text/css; charset=utf-8";
const javaScript = "text/javascript; charset=utf-8";

const require = createRequire(import.meta.url);

/** A file of this folder. */
function own(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** A file inside a package, found by its package.json: the bundles are not among its exports. */
function inPackage(packageJson: string, ...segments: string[]): string {
  return join(dirname(packageJson), ...segments);
}

const graphiql = require.resolve("graphiql/package.json");
const react = require.resolve("react/package.json");
const reactDom = require.resolve("react-dom/package.json");

const socketClient = dirname(require.resolve("graphql-ws/client"));

/** The client for subscriptions: a module, and what it imports from beside it. */
function socketClientFiles(): [string, PlaygroundFile][] {
  const names = readdirSync(socketClient).filter((name) =>
    /^(client|common-[\w-]+)\.js$/.test(name),
  );
  return names.map((name) => [
    `/playground/graphql-ws/${name}`,
    { path: join(socketClient, name), contentType: javaScript },
  ]);
}

/** By URL path, all that the playground page loads. */
export const playgroundFiles: ReadonlyMap<string, PlaygroundFile> = new Map([
  ["/", { path: own("index.html"), contentType: html }],
  ["/playground/playground.css", { path: own("playground.css"), contentType: css }],
  ["/playground/playground.js", { path: own("playground.js"), contentType: javaScript }],
  ["/playground/examples.js", { path: own("examples.js"), contentType: javaScript }],
  [
    "/playground/graphiql.min.css",
    { path: inPackage(graphiql, "graphiql.min.css"), contentType: css },
  ],
  [
    "/playground/graphiql.min.js",
    { path: inPackage(graphiql, "graphiql.min.js"), contentType: javaScript },
  ],
  [
    "/playground/react.production.min.js",
    { path: inPackage(react, "umd", "react.production.min.js"), contentType: javaScript },
  ],
  [
    "/playground/react-dom.production.min.js",
    { path: inPackage(reactDom, "umd", "react-dom.production.min.js"), contentType: javaScript },
  ],
  ...socketClientFiles(),
]);
