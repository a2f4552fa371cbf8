import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Context, ServiceBroker } from "moleculer";
import type { Meta } from "../../core/access.ts";
import type { Config } from "../../config/config.ts";
import { createServer } from "../../core/network/http.ts";
import { handleProtocolEvents } from "../../core/network/protocol-events.ts";
import type { Authenticator } from "./auth/authenticate.ts";
import type { GraphqlExecution } from "./graphql/graphql-execution.ts";
import { BrowserRules } from "./http/browser-rules.ts";
import { clientAddresses } from "./http/client-address.ts";
import { ConnectionLimits } from "./http/connection-limits.ts";
import { GraphqlOverHttp } from "./http/graphql/graphql-http.ts";
import { healthChecks } from "./http/health.ts";
import { serverTimeouts } from "./http/http-server.ts";
import { pageGate } from "./http/pages.ts";
import { requestIdOptions } from "./http/request-id.ts";
import { graphqlUrl, requestHandler } from "./http/request-handler.ts";
import { ConcurrencyLimit } from "./limits/concurrency-limit.ts";
import { FairQueue } from "./limits/fair-queue.ts";
import type { ResourceUsage } from "./limits/resource-usage.ts";
import type { TimeLimits } from "./limits/time-limits.ts";
import type { RequestLog } from "./observability/request-log.ts";
import { EventStreamResponses } from "./subscriptions/transports/event-stream-response.ts";
import { GraphqlSockets } from "./subscriptions/transports/graphql-socket.ts";

/** What the server needs of the gateway's service. */
interface ServingService {
  broker: ServiceBroker;
  logger: ServiceBroker["logger"];
  isStopping: boolean;
  timeLimits: TimeLimits;
  usage: ResourceUsage;
  /** Answers a request for a page by moleculer-web. */
  httpHandler(req: IncomingMessage, res: ServerResponse): Promise<void>;
}

interface ServerOptions {
  edge: Config["edge"];
  execution: GraphqlExecution;
  authenticator: Authenticator;
  requestLog: RequestLog;
  pageAliases: Record<string, unknown>;
}

/** A transport whose connections stay open. */
interface LiveTransport {
  /** Ends the subscriptions of ended sessions. */
  review(): void;
  /** Closes all connections. */
  close(): void;
}

/** The HTTP server of the gateway, which does not listen yet, and the transports of subscriptions. */
export interface GatewayServer {
  server: Server;
  liveTransports: readonly LiveTransport[];
}

/** Makes the server for GraphQL over HTTP, Server-Sent Events and WebSocket, pages and health checks. */
export function gatewayServer(service: ServingService, options: ServerOptions): GatewayServer {
  const { edge, execution, authenticator, requestLog, pageAliases } = options;
  const { logger, timeLimits, usage } = service;
  const rules = new BrowserRules(edge.corsOrigins);
  const addresses = clientAddresses(edge.trustedProxies);
  const parts = {
    timeLimits,
    usage,
    concurrency: new ConcurrencyLimit(),
    fairQueue: new FairQueue(),
    logger,
    requestLog,
    viewerOf: authenticator.viewerOf.bind(authenticator),
    addressOf: addresses.of,
    isForeign: rules.isForeign.bind(rules),
    headersFor: rules.headersFor.bind(rules),
    newContext: (req?: IncomingMessage) => contextOf(service, req),
  };
  const streams = new EventStreamResponses({ execution, parts });
  const sockets = new GraphqlSockets({ execution, parts });
  const connectionLimits = new ConnectionLimits(usage, addresses.isProxy);
  const isHealthCheck = healthChecks({
    newContext: parts.newContext,
    addressOf: addresses.of,
    requestIdOf: (req) => requestIdOptions(req).requestID ?? randomUUID(),
    isStopping: () => service.isStopping,
  });
  const handler = requestHandler({
    ...parts,
    rules,
    connectionLimits,
    admitsPage: pageGate(execution.throttle, usage),
    isHealthCheck,
    graphql: new GraphqlOverHttp(execution, parts, streams),
    page: service.httpHandler.bind(service),
    pageAliases,
  });
  const server = createServer(serverTimeouts, handler);
  connectionLimits.attach(server);
  handleProtocolEvents(server, "GET, POST");
  sockets.attach(server, graphqlUrl);
  return { server, liveTransports: [sockets, streams] };
}

/** Makes a context for the calls of a request, with its request id. */
function contextOf(
  service: ServingService,
  req: IncomingMessage | undefined,
): Context<unknown, Meta> {
  const { broker } = service;
  const options = req === undefined ? {} : requestIdOptions(req);
  // No action makes these calls, but the type requires one.
  const ctx = broker.ContextFactory.create(broker, null as never, {}, options);
  return Object.assign(ctx as Context<unknown, Meta>, { service });
}
