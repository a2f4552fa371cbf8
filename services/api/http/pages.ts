import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { printSchema, type GraphQLSchema } from "graphql";
import type { Context, ServiceBroker } from "moleculer";
import type { Meta } from "../../../core/access.ts";
import type { Config } from "../../../config/config.ts";
import { commonErrors } from "../../../core/errors.ts";
import { InlinePrometheusReporter } from "../../../broker/metrics-reporter.ts";
import { closeAfter, sendJson, sendText } from "./http-server.ts";
import type { ResourceUsage } from "../limits/resource-usage.ts";
import { contentSecurityPolicy, playgroundFiles } from "../playground/playground-files.ts";
import type { Throttle } from "../limits/throttle.ts";

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

/** What a page counts as; also one that is not there. */
const pageCost = 10;

/**
 * Makes the function that lets a request for a page pass, or answers that its address has too much
 * under way, or asks too often.
 */
export function pageGate(throttle: Throttle, load: ResourceUsage) {
  return (address: string, res: ServerResponse): boolean => {
    const retryAfter = throttle.take(address, pageCost);
    const excess = retryAfter === undefined ? load.acquire(address, "pages") : undefined;
    if (retryAfter === undefined && excess === undefined) {
      res.once("close", () => {
        load.release(address, "pages");
      });
      return true;
    }
    const { SERVICE_UNAVAILABLE, TOO_MANY_REQUESTS } = commonErrors;
    const definition = excess === "gateway" ? SERVICE_UNAVAILABLE : TOO_MANY_REQUESTS;
    const { code, status, meaning: message } = definition;
    const extensions =
      definition === TOO_MANY_REQUESTS ? { code, retryAfter: retryAfter ?? 1 } : { code };
    res.setHeader("retry-after", retryAfter ?? 1);
    closeAfter(res);
    sendJson(res, status, { errors: [{ message, extensions }] });
    return false;
  };
}

/** Keys are rotated seldom, and a verifier that meets an unknown one asks again. */
const keysMaxAgeSeconds = 60;

/** Everything but GraphQL itself, by method and path: playground, schema, keys, metrics. */
export function pages({ edge, metrics, metricsPort }: Config): Record<string, Page> {
  return {
    ...alwaysThere(),
    ...(edge.playground && playground()),
    ...(edge.introspection && { "GET /schema.graphql": schemaPage() }),
    ...(metrics && metricsPort === undefined && { "GET /metrics": metricsPage() }),
  };
}

/** What is found out for many is found out once for all who ask at the same time. */
function alwaysThere(): Record<string, Page> {
  const keysNow = shared((req: GatewayRequest) => req.$ctx.call("users.jwks"));
  return {
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

function schemaPage(): Page {
  let printed: GraphQLSchema | undefined;
  let content = Buffer.alloc(0);
  return function (_req, res) {
    if (printed !== this.graphqlSchema) {
      printed = this.graphqlSchema;
      content = Buffer.from(printSchema(printed));
    }
    sendText(res, 200, content);
  };
}

/** The text is made for all who ask within so long. */
const metricsMaxAgeMs = 250;

function metricsPage(): Page {
  let content = Buffer.alloc(0);
  let madeAtMs = -Infinity;
  return function (_req, res) {
    if (performance.now() - madeAtMs > metricsMaxAgeMs) {
      const [reporter] = this.broker.metrics.reporter;
      const isOurs = reporter instanceof InlinePrometheusReporter;
      content = Buffer.from(isOurs ? reporter.generatePrometheusResponse() : "");
      madeAtMs = performance.now();
    }
    sendText(res, 200, content, "text/plain; version=0.0.4; charset=utf-8");
  };
}

/** The playground's page and its files, each read once. */
function playground(): Record<string, Page> {
  const files = [...playgroundFiles].map(([url, { path, contentType }]): [string, Page] => {
    let content: Promise<Buffer> | undefined;
    const page: Page = async (_req, res) => {
      content ??= readFile(path);
      res.setHeader("content-security-policy", contentSecurityPolicy);
      sendText(res, 200, await content, contentType);
    };
    return [`GET ${url}`, page];
  });
  return Object.fromEntries(files);
}
