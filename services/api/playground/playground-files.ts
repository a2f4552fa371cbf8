import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Allows only the page's own files. The hash permits the inline style with which GraphiQL's dialogs
 * lock scrolling.
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
  /** Absolute path in the file system. */
  path: string;
  contentType: string;
}

const html = "text/html; charset=utf-8";
const css = "text/css; charset=utf-8";
const javaScript = "text/javascript; charset=utf-8";

const require = createRequire(import.meta.url);

/** Returns the path of a file in this folder. */
function local(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Returns the path of a file in a package, by its package.json: bundles are not exported. */
function inPackage(packageJson: string, ...segments: string[]): string {
  return join(dirname(packageJson), ...segments);
}

const graphiql = require.resolve("graphiql/package.json");
const react = require.resolve("react-18/package.json");
const reactDom = require.resolve("react-dom-18/package.json");

const socketClient = dirname(require.resolve("graphql-ws/client"));

/** Returns the files of the graphql-ws client: its module and the modules that it imports. */
function socketClientFiles(): [string, PlaygroundFile][] {
  const names = readdirSync(socketClient).filter((name) =>
    /^(client|common-[\w-]+)\.js$/.test(name),
  );
  return names.map((name) => [
    `/playground/graphql-ws/${name}`,
    { path: join(socketClient, name), contentType: javaScript },
  ]);
}

/** All files that the playground page loads, by URL path. */
export const playgroundFiles: ReadonlyMap<string, PlaygroundFile> = new Map([
  ["/", { path: local("index.html"), contentType: html }],
  ["/playground/playground.css", { path: local("playground.css"), contentType: css }],
  ["/playground/playground.js", { path: local("playground.js"), contentType: javaScript }],
  ["/playground/menu.js", { path: local("menu.js"), contentType: javaScript }],
  ["/playground/examples.js", { path: local("examples.js"), contentType: javaScript }],
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
