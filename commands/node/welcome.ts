import { isIPv6 } from "node:net";
import type { ServiceBroker } from "moleculer";
import type { Config } from "../../config/config.ts";

/** Hosts shown as "localhost", which every browser can open; some cannot open "[::]". */
const localNames = new Set(["127.0.0.1", "0.0.0.0", "[::]"]);

/** Returns the port of the gateway of this node, which the system chose if PORT is 0. */
export function gatewayPort(broker: ServiceBroker): number {
  return (broker.metadata.gateway as { port: number }).port;
}

/** Returns the URL of a port of this process, in the form that a browser opens. */
export function urlOf({ host }: Pick<Config, "host">, port: number): string {
  const bracketed = isIPv6(host) ? `[${host}]` : host;
  const written = URL.parse(`http://${bracketed}/`)?.hostname ?? bracketed;
  return `http://${localNames.has(written) ? "localhost" : written}:${port}`;
}

/** Returns the text that is printed when the shop is ready. `hints` name the next steps. */
export function welcome(config: Config, port: number, hints: string[]): string {
  const { metrics, metricsPort, dataDir, edge } = config;
  const url = urlOf(config, port);
  const metricsUrl = metrics ? `${urlOf(config, metricsPort ?? port)}/metrics` : "off";
  return [
    "",
    `  The shop is open.   data in ${dataDir}`,
    "",
    ...(config.console ? [`  Console             ${url}/console`] : []),
    ...(edge.playground ? [`  Playground          ${url}/`] : []),
    `  GraphQL             ${url}/graphql`,
    ...(edge.introspection ? [`  Schema              ${url}/schema.graphql`] : []),
    `  Health, metrics     ${url}/health/ready   ${metricsUrl}`,
    "",
    ...hints.map((hint) => `  ${hint}`),
    "",
    "",
  ].join("\n");
}
