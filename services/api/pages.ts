import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { printSchema, type GraphQLSchema } from "graphql";
import type { Context, ServiceBroker } from "moleculer";
import type { Meta } from "../../core/access.ts";
import type { Config } from "../../core/config.ts";
import { InlinePrometheusReporter } from "../../core/metrics-reporter.ts";
import { readiness } from "./health.ts";
import { sendJson, sendText } from "./http-server.ts";
import { contentSecurityPolicy, playgroundFiles } from "./playground/playground-files.ts";

/** moleculer-web's request: it carries the context of its root action. */
export interface GatewayRequest extends IncomingMessage {
  $ctx: Context<unknown, Meta>;
}

/** The gateway as far as its pages need it. */
interface PageOwner {
  broker: ServiceBroker;
  graphqlSchema: GraphQLSchema;
}

type Page = (this: PageOwner, req: GatewayRequest, res: ServerResponse) => Promise<void> | void;

/** Keys are rotated seldom, and a verifier that meets an unknown one asks again. */
const keysMaxAgeSeconds = 60;

/** Everything but GraphQL itself, by method and path: playground, schema, health, keys, metrics. */
export function pages({ edge, metrics, metricsPort }: Config): Record<string, Page> {
  return {
    ...alwaysThere(),
    ...(edge.playground && playground()),
    ...(edge.introspection && { "GET /schema.graphql": schemaPage }),
    ...(metrics && metricsPort === undefined && { "GET /metrics": metricsPage }),
  };
}

/** What anybody may ask for at any rate is found out once for all who ask at the same time. */
function alwaysThere(): Record<string, Page> {
  const readinessNow = shared((req) => readiness(req.$ctx));
  const keysNow = shared((req) => req.$ctx.call("users.jwks"));
  return {
    "GET /health/live"(_req, res) {
      sendJson(res, 200, { status: "live" });
    },
    async "GET /health/ready"(req, res) {
      const state = await readinessNow(req);
      sendJson(res, state.status === "ready" ? 200 : 503, state);
    },
    async "GET /.well-known/jwks.json"(req, res) {
      const keys = await keysNow(req);
      res.setHeader("cache-control", `public, max-age=${keysMaxAgeSeconds}`);
      sendJson(res, 200, keys);
    },
  };
}

/** Lets all who ask at the same time share one answer, or one failure. */
function shared<Answer>(ask: (req: GatewayRequest) => Promise<Answer>) {
  let underWay: Promise<Answer> | undefined;
  return (req: GatewayRequest): Promise<Answer> => {
    underWay ??= ask(req).finally(() => (underWay = undefined));
    return underWay;
  };
}

function schemaPage(this: PageOwner, _req: GatewayRequest, res: ServerResponse): void {
  sendText(res, 200, printSchema(this.graphqlSchema));
}

function metricsPage(this: PageOwner, _req: GatewayRequest, res: ServerResponse): void {
  const [reporter] = this.broker.metrics.reporter;
  const text =
    reporter instanceof InlinePrometheusReporter ? reporter.generatePrometheusResponse() : "";
  sendText(res, 200, text, "text/plain; version=0.0.4; charset=utf-8");
}

/** The playground's page and its files. */
function playground(): Record<string, Page> {
  const files = [...playgroundFiles].map(([url, { path, contentType }]): [string, Page] => [
    `GET ${url}`,
    async (_req, res) => {
      const content = await readFile(path);
      res.writeHead(200, {
        "content-type": contentType,
        "content-security-policy": contentSecurityPolicy,
      });
      res.end(content);
    },
  ]);
  return Object.fromEntries(files);
}
