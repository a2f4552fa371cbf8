import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import type { ServiceBroker } from "moleculer";
import { sendError, sendText } from "../http/http-server.ts";
import { ConsoleFiles, consolePolicy } from "./console-files.ts";

const builtFolder = fileURLToPath(new URL("../../../web/dist/console", import.meta.url));

/** The alias of the console and of everything below it. */
export const consoleAlias = "GET /console{/*path}";

/** Returns true for the path of the console, or a path below it. */
export function isConsolePath(path: string): boolean {
  return path === "/console" || path.startsWith("/console/");
}

const yearSeconds = 31_536_000;
const notBuilt = "The console is not built. Run: npm run build:web\n";

/** Makes the function that answers requests for the console's page and files. */
export function consolePage(folder = builtFolder) {
  let files = new ConsoleFiles(folder);
  return async function (
    this: { broker: ServiceBroker },
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<void> {
    if (!files.isBuilt) files = new ConsoleFiles(folder);
    if (!files.isBuilt) {
      sendText(res, 503, notBuilt);
      return;
    }
    const path = (req.url ?? "").split("?", 1)[0]?.slice("/console/".length) ?? "";
    const file = await files.find(path, req.headers["accept-encoding"]);
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
    res.setHeader("content-security-policy", consolePolicy);
    if (req.headers["if-none-match"]?.includes(etag) === true) {
      res.writeHead(304).end();
      return;
    }
    if (encoding !== undefined) res.setHeader("content-encoding", encoding);
    sendText(res, 200, content, contentType);
  };
}
