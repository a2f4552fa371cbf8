import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { GraphQLSchema } from "graphql";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import { gatewayName } from "../../core/access.ts";
import { configOf } from "../../config/broker-config.ts";
import { listen, listeningAt, portOf } from "../../core/network/listen.ts";
import { authenticatorOf } from "./auth/authenticate.ts";
import { gatewayServer, type GatewayServer } from "./gateway-server.ts";
import { TagSubscriptions, publishedEvents } from "./subscriptions/tag-subscriptions.ts";
import { LogTails } from "./subscriptions/log/log-tails.ts";
import { GraphqlExecution } from "./graphql/graphql-execution.ts";
import { composeBase, SchemaComposer } from "./graphql/schema/schema-composer.ts";
import { queryCosts } from "./graphql/schema/field-costs.ts";
import { SchemaDiscovery } from "./graphql/schema/schema-discovery.ts";
import { setRequestId } from "./http/request-id.ts";
import { closeServer, sendError, sendFailure } from "./http/http-server.ts";
import { ResourceUsage } from "./limits/resource-usage.ts";
import { pages, type GatewayRequest } from "./http/pages.ts";
import { TimeLimits } from "./limits/time-limits.ts";
import type { Throttle } from "./limits/throttle.ts";
import { instrumentsOf } from "../../core/metrics/instruments.ts";
import { limitMetrics } from "./observability/limit-metrics.ts";
import { OperationMetrics } from "./observability/operation-metrics.ts";
import { RequestLog } from "./observability/request-log.ts";
import { contracts } from "../registry.ts";

type Handler = (this: Gateway, req: GatewayRequest, res: ServerResponse) => Promise<void> | void;

/**
 * How long a stopping gateway behind a load balancer still accepts connections, with a health check
 * that fails. The load balancer checks every second. Otherwise it would send requests over
 * connections that the gateway is closing, and could not repeat all of them.
 */
const announceMs = 2_000;

/** The gateway service: moleculer-web's service and the properties that this file adds. */
interface Gateway {
  broker: ServiceBroker;
  logger: ServiceBroker["logger"];
  httpHandler(req: IncomingMessage, res: ServerResponse): Promise<void>;
  server: Server | undefined;
  isStopping: boolean;
  tagSubscriptions: TagSubscriptions;
  tails: LogTails;
  timeLimits: TimeLimits;
  usage: ResourceUsage;
  throttle: Throttle | undefined;
  graphqlSchema: GraphQLSchema;
  discovery: SchemaDiscovery | undefined;
}

/**
 * The gateway: GraphQL over HTTP, Server-Sent Events and WebSocket, pages and health checks. Throws
 * SchemaError, so that a hot reload keeps the old gateway.
 */
export default function apiService(broker: ServiceBroker): ServiceSchema {
  const config = configOf(broker);
  const pageAliases = Object.fromEntries(
    Object.entries(pages(config)).map(([path, page]) => [path, caught(page)]),
  );
  const metrics = new OperationMetrics(instrumentsOf(broker));
  const tagSubscriptions = new TagSubscriptions();
  const tails = new LogTails(broker, contracts);
  let liveTransports: GatewayServer["liveTransports"] = [];
  const authenticator = authenticatorOf(broker, () => {
    for (const transport of liveTransports) transport.review();
  });
  const composer = new SchemaComposer({
    broker,
    tagSubscriptions,
    tails,
    publicReads: config.publicReads,
    hasConsole: config.console,
    revocationOf: authenticator.revocationOf.bind(authenticator),
  });
  const { schema: base, costs } = composeBase(composer);

  return {
    name: gatewayName,
    mixins: [ApiGateway as Partial<ServiceSchema>],
    actions: {
      // These actions must not be callable from other nodes.
      addRoute: false,
      removeRoute: false,
      listAliases: false,
    },
    settings: {
      // The gateway creates its own server, to limit connections and to report a port in use.
      server: false,
      logRequest: null,
      logResponse: null,
      logRequestParams: null,
      logRouteRegistration: null,
      rootCallOptions: setRequestId,
      onError(this: Gateway, _req: IncomingMessage, res: ServerResponse, error: unknown) {
        sendError(res, error, this.logger);
      },
      routes: [
        {
          path: "/",
          bodyParsers: false,
          mappingPolicy: "restrict",
          aliases: pageAliases,
          pathToRegexpOptions: { sensitive: true },
        },
      ],
    },
    events: {
      "graphql.publish": publishedEvents(tagSubscriptions),
      "$services.changed"(this: Gateway) {
        this.discovery?.refresh();
      },
    },
    created(this: Gateway) {
      this.isStopping = false;
      this.tagSubscriptions = tagSubscriptions;
      this.tails = tails;
      this.timeLimits = new TimeLimits();
      this.usage = new ResourceUsage();
      limitMetrics(instrumentsOf(broker), () => this);
    },
    async started(this: Gateway) {
      const { broker, logger } = this;
      const requestLog = new RequestLog(logger, config.edge);
      this.graphqlSchema = base;
      const execution = new GraphqlExecution(base, costs, config.edge, {
        usage: this.usage,
        metrics,
        log: requestLog,
      });
      if (config.edge.discovery) {
        this.discovery = new SchemaDiscovery(broker, composer, base, (schema) => {
          this.graphqlSchema = schema;
          execution.useSchema(schema, queryCosts(schema, base));
        });
        this.discovery.refresh();
      }
      this.throttle = execution.throttle;
      const { edge } = config;
      const options = { edge, execution, authenticator, requestLog, pageAliases };
      ({ server: this.server, liveTransports } = gatewayServer(this, options));
      authenticator.start();
      this.timeLimits.start();
      await listen(this.server, config.port, config.host);
      // Announced to nodes that join this shop.
      const page = config.console ? "/console" : "/";
      broker.metadata.gateway = { host: config.host, port: portOf(this.server), page };
      logger.info(`The gateway listens on ${listeningAt(this.server, config.host)}.`);
    },
    async stopped(this: Gateway) {
      this.isStopping = true;
      const isBehindProxy = config.edge.trustedProxies.length > 0;
      if (isBehindProxy && this.server?.listening === true) await sleep(announceMs);
      // Before anything else waits: the services that subscriptions need are stopping, too.
      for (const transport of liveTransports) transport.close();
      await Promise.all([tails.stop(), authenticator.stop(), closeServer(this.server)]);
      this.timeLimits.stop();
    },
  } as unknown as ServiceSchema;
}

/** Catches errors of a page. moleculer-web does not await aliases: a rejection ends the process. */
function caught(handler: Handler): Handler {
  return async function (req, res) {
    try {
      await handler.call(this, req, res);
    } catch (error) {
      sendFailure(this.logger, error, req, res);
    }
  };
}
