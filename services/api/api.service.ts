import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { printSchema, type GraphQLSchema } from "graphql";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import { gatewayName } from "../../core/access.ts";
import type { Config } from "../../core/config.ts";
import { InlinePrometheusReporter } from "../../core/metrics-reporter.ts";
import { traceIdOf } from "../../core/trace.ts";
import { Authenticator } from "./authenticate.ts";
import { graphqlOverHttp, type GatewayRequest } from "./graphql-http.ts";
import { composeSchema, graphqlMixin, type Composer } from "./graphql-schema.ts";
import { readiness } from "./health.ts";
import { closeServer, keepAliveMs, listen, sendError, sendJson, sendText } from "./http-server.ts";
import { contentSecurityPolicy, playgroundFiles } from "./playground/playground-files.ts";

type Handler = (this: Gateway, req: GatewayRequest, res: ServerResponse) => Promise<void> | void;

/** The gateway as its handlers see it: moleculer-web's service with what is set up here. */
interface Gateway extends Composer {
  broker: ServiceBroker;
  httpHandler(req: IncomingMessage, res: ServerResponse): Promise<void>;
  server: Server;
  graphqlHandler: Handler;
  graphqlSchema: GraphQLSchema;
}

/** GraphQL over HTTP for everybody outside, and the pages and checks around it. */
export default function apiService(config: Config): ServiceSchema {
  const graphqlAlias = function (this: Gateway, req: GatewayRequest, res: ServerResponse) {
    return this.graphqlHandler(req, res);
  };

  return {
    name: gatewayName,
    // In this order: the second adds its route before the first reads them.
    mixins: [ApiGateway as Partial<ServiceSchema>, graphqlMixin()],
    // Neither is for anybody outside this process.
    actions: { addRoute: false, removeRoute: false, listAliases: false },
    settings: {
      // A server of our own, so that a taken port is told in a sentence.
      server: false,
      logRequest: null,
      logResponse: null,
      logRequestParams: null,
      logRouteRegistration: null,
      rootCallOptions: nameRequest,
      onError(this: Gateway, _req: IncomingMessage, res: ServerResponse, error: unknown) {
        sendError(res, error, this.broker.logger);
      },
      routes: [
        // The original's path.
        {
          path: "/query",
          bodyParsers: false,
          mappingPolicy: "restrict",
          aliases: { "/": graphqlAlias },
        },
        { path: "/", bodyParsers: false, mappingPolicy: "restrict", aliases: pageAliases(config) },
      ],
    },
    async started(this: Gateway) {
      const broker = this.broker;
      const authenticator = new Authenticator(() => broker.call("users.jwks"));
      this.graphqlSchema = composeSchema(this);
      this.graphqlHandler = caught(graphqlOverHttp(this.graphqlSchema, authenticator));
      const options = { keepAliveTimeout: keepAliveMs };
      this.server = createServer(options, (req, res) => void this.httpHandler(req, res));
      await listen(this.server, config.port, config.host);
    },
    async stopped(this: Gateway) {
      await closeServer(this.server);
    },
  } as unknown as ServiceSchema;
}

/** Everything but GraphQL itself: pages, schema, health, keys, metrics. */
function pageAliases(config: Config): Record<string, Handler> {
  const aliases: Record<string, Handler> = {
    "GET /schema.graphql"(this: Gateway, _req: GatewayRequest, res: ServerResponse) {
      sendText(res, 200, printSchema(this.graphqlSchema));
    },
    "GET /health/live"(_req: GatewayRequest, res: ServerResponse) {
      sendJson(res, 200, { status: "live" });
    },
    async "GET /health/ready"(req: GatewayRequest, res: ServerResponse) {
      const state = await readiness(req.$ctx);
      sendJson(res, state.status === "ready" ? 200 : 503, state);
    },
    async "GET /.well-known/jwks.json"(req: GatewayRequest, res: ServerResponse) {
      sendJson(res, 200, await req.$ctx.call("users.jwks"));
    },
  };
  for (const [url, { path, contentType }] of playgroundFiles) {
    aliases[`GET ${url}`] = async (_req, res) => {
      const content = await readFile(path);
      res.writeHead(200, {
        "content-type": contentType,
        "content-security-policy": contentSecurityPolicy,
        "x-content-type-options": "nosniff",
      });
      res.end(content);
    };
  }
  if (config.metricsPort === undefined) {
    aliases["GET /metrics"] = function (this: Gateway, _req: GatewayRequest, res: ServerResponse) {
      const [reporter] = this.broker.metrics.reporter;
      const text =
        reporter instanceof InlinePrometheusReporter ? reporter.generatePrometheusResponse() : "";
      sendText(res, 200, text, "text/plain; version=0.0.4; charset=utf-8");
    };
  }
  return Object.fromEntries(
    Object.entries(aliases).map(([path, handler]) => [path, caught(handler)]),
  );
}

/** moleculer-web does not wait for its aliases: what one of them throws would end the process. */
function caught(handler: Handler): Handler {
  return async function (req, res) {
    try {
      await handler.call(this, req, res);
    } catch (error) {
      const clientLeft = req.destroyed && !req.complete;
      if (!clientLeft) sendError(res, error, this.broker.logger);
    }
  };
}

/**
 * A request is known by the trace it belongs to, or else by an id of its sender's. That one ends up
 * in logs and answers: only a harmless one is taken over.
 */
function nameRequest(options: { requestID?: string }, { headers }: IncomingMessage) {
  const traceId = traceIdOf(headers.traceparent);
  if (traceId !== undefined) options.requestID = traceId;
  else if (!/^[\w-]{1,64}$/.test(options.requestID ?? "")) delete options.requestID;
}
