import type { Config } from "../core/config.ts";

/** What a person sees when the shop is ready. */
export function welcome({ host, port, dataDir }: Config): string {
  const name = host === "127.0.0.1" || host === "0.0.0.0" ? "localhost" : host;
  const url = `http://${name}:${port}`;
  return [
    "",
    `  The shop is open.   data in ${dataDir}`,
    "",
    `  Playground          ${url}/`,
    `  GraphQL             ${url}/graphql`,
    `  Schema              ${url}/schema.graphql`,
    `  Health, metrics     ${url}/health/ready   ${url}/metrics`,
    "",
    "  In another terminal: npm run demo fills it, npm run repl opens a console.",
    "  Ctrl-C stops it.",
    "",
    "",
  ].join("\n");
}
