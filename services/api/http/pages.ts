import type { IncomingMessage, ServerResponse } from "node:http";
import { printSchema, type GraphQLSchema } from "graphql";
import type { Context, ServiceBroker } from "moleculer";
import type { Meta } from "../../../core/access.ts";
import type { Config } from "../../../config/config.ts";
import { commonErrors } from "../../../core/errors.ts";
import { InlinePrometheusReporter, prometheusType } from "../../../broker/metrics-reporter.ts";
import { closeAfter } from "./connection-limits.ts";
import { sendJson, sendText } from "../../../core/network/send.ts";
import { SharedResult } from "../../../core/tasks/shared-result.ts";
import { HttpError, sendHttpError } from "./http-errors.ts";
import type { ResourceUsage } from "../limits/resource-usage.ts";
import { aliasOf, consoleAliases, playgroundAliases } from "../web/built-pages.ts";
import type { Throttle } from "../limits/throttle.ts";

/** moleculer-web's request: it carries the context of its root action. */
export interface GatewayRequest extends IncomingMessage {
  $ctx: Context<unknown, Meta>;
}

/** What the pages need from the gateway. */
interface PageOwner {
  broker: ServiceBroker;
  graphqlSchema: GraphQLSchema;
}

type Page = (this: PageOwner, req: GatewayRequest, res: ServerResponse) => Promise<void> | void;

/** The cost of a request for a page, also if the page does not exist. */
const pageCost = 10;

/**
 * Makes the function that admits a request for a page, or rejects it if its address exceeds the
 * rate limit or has too many requests in flight.
 */
export function pageGate(throttle: Throttle, usage: ResourceUsage) {
  return (address: string, res: ServerResponse): boolean => {
    const retryAfter = throttle.take(address, pageCost);
    const excess = retryAfter === undefined ? usage.acquire(address, "pages") : undefined;
    if (retryAfter === undefined && excess === undefined) {
      res.once("close", () => {
        usage.release(address, "pages");
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

/** `OPTIONS *` asks for the methods of the whole server (RFC 9110, 9.3.7). */
const serverMethods = "GET, HEAD, POST, OPTIONS";
const pageMethods = "GET, HEAD";

/**
 * Answers a request by another method than GET, if its path has a page or is `*`. moleculer-web would
 * answer OPTIONS like a GET, and the others as if there were no page.
 */
export function answersOtherMethod(
  { method, url }: IncomingMessage,
  res: ServerResponse,
  hasPage: boolean,
): boolean {
  const isServer = url === "*" && method === "OPTIONS";
  if (method === "GET" || !(hasPage || isServer)) return false;
  if (method === "OPTIONS") {
    res.writeHead(204, { allow: isServer ? serverMethods : pageMethods }).end();
  } else {
    const headers = { allow: pageMethods };
    sendHttpError(res, [], new HttpError(405, "Send GET or HEAD.", { headers }));
  }
  return true;
}

/** Keys are rotated rarely, and verifiers fetch again for an unknown key id. */
const keysMaxAgeSeconds = 60;

/** Returns the pages by method and path: console, playground, schema, keys, metrics. */
export function pages(config: Config): Record<string, Page> {
  const { edge, metrics, metricsPort } = config;
  return {
    ...keysPage(),
    ...(config.console && consoleAliases()),
    ...(edge.playground && playgroundAliases()),
    ...(edge.introspection && { "GET /schema.graphql": schemaPage() }),
    ...(metrics && metricsPort === undefined && { "GET /metrics": metricsPage() }),
  };
}

/**
 * Returns the path of a page, as logs and metrics name it; undefined for other paths. Built pages
 * have any number of paths below their own.
 */
export function routeOf(path: string, aliases: Record<string, unknown>): string | undefined {
  const built = aliasOf(path);
  if (built !== undefined) return built.alias in aliases ? built.route : undefined;
  return `GET ${path}` in aliases ? path : undefined;
}

function keysPage(): Record<string, Page> {
  const fetchKeys = shared((req: GatewayRequest) => req.$ctx.call("users.jwks"));
  return {
    async "GET /.well-known/jwks.json"(req, res) {
      const keys = await fetchKeys(req);
      res.setHeader("cache-control", `public, max-age=${keysMaxAgeSeconds}`);
      sendJson(res, 200, keys);
    },
  };
}

/** Shares one result or failure between concurrent requests. */
function shared<Result>(fetch: (req: GatewayRequest) => Promise<Result>) {
  let inFlight: Promise<Result> | undefined;
  return (req: GatewayRequest): Promise<Result> => {
    inFlight ??= fetch(req).finally(() => (inFlight = undefined));
    return inFlight;
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

/** Requests within this time share one text. */
const metricsMaxAgeMs = 250;

function metricsPage(): Page {
  let text: SharedResult<Buffer> | undefined;
  return async function (_req, res) {
    text ??= new SharedResult(metricsMaxAgeMs, () => metricsOf(this.broker));
    sendText(res, 200, await text.get(), prometheusType);
  };
}

async function metricsOf({ metrics }: ServiceBroker): Promise<Buffer> {
  const [reporter] = metrics.reporter;
  const isOurs = reporter instanceof InlinePrometheusReporter;
  return Buffer.from(isOurs ? await reporter.text() : "");
}
