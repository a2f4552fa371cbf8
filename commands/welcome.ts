import type { Config } from "../core/config.ts";

/** What a person sees when the shop is ready; `hints` say how to go on. */
export function welcome(
  { host, port, metrics, metricsPort, dataDir }: Config,
  hints: string[],
): string {
  const name = host === "127.0.0.1" || host === "0.0.0.0" ? "localhost" : host;
  const url = `http://${name}:${port}`;
  const metricsUrl = metrics ? `http://${name}:${metricsPort ?? port}/metrics` : "off";
  return [
    "",
    `  The shop is open.   data in ${dataDir}`,
    "",
    `  Playground          ${url}/`,
    `  GraphQL             ${url}/graphql`,
    `  Schema              ${url}/schema.graphql`,
    `  Health, metrics     ${url}/health/ready   ${metricsUrl}`,
    "",
    ...hints.map((hint) => `  ${hint}`),
    "",
    "",
  ].join("\n");
}
