import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { GraphQLSchema } from "graphql";
import type { Context, ServiceBroker, ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import { gatewayName, type Meta } from "../../core/access.ts";
import { configOf } from "../../config/broker-config.ts";
import type { EventEnvelope } from "../../core/contract.ts";
import { traceIdOf } from "../../core/trace.ts";
import { addressGroup } from "../../core/caller-address.ts";
import { authenticatorOf, type Authenticator } from "./auth/authenticate.ts";
import { BrowserRules } from "./http/browser-rules.ts";
import { EventStream } from "./subscriptions/event-stream.ts";
import { GraphqlExecution } from "./graphql/graphql-execution.ts";
import { graphqlOverHttp } from "./http/graphql-http.ts";
import { publishedType } from "./graphql/discovered-services.ts";
import { SchemaComposer, queryCosts, subscribedEvents } from "./graphql/graphql-schema.ts";
import { SchemaDiscovery } from "./graphql/schema-discovery.ts";
import { GraphqlSockets } from "./subscriptions/graphql-socket.ts";
import { healthChecks } from "./http/health.ts";
import {
  closeServer,
  countWaiting,
  isClosing,
  limitConnections,
  listen,
  sendError,
  serverTimeouts,
  setHeaders,
  toOriginForm,
} from "./http/http-server.ts";
import { ResourceUsage } from "./limits/resource-usage.ts";
import { pageGate, pages, type GatewayRequest } from "./http/pages.ts";
import { DeadlineTimer } from "./limits/deadline.ts";
import { ConcurrencyLimit } from "./limits/concurrency-limit.ts";
import { dropBody } from "./http/request-body.ts";
import { senderAddresses } from "./http/sender-address.ts";
import type { Throttle } from "./limits/throttle.ts";
import { TransferWatch } from "./http/transfer-watch.ts";
import { FairQueue } from "./limits/fair-queue.ts";

type Handler = (this: Gateway, req: GatewayRequest, res: ServerResponse) => Promise<void> | void;

/** The gateway as its handlers see it: moleculer-web's service with what is set up here. */
interface Gateway {
  broker: ServiceBroker;
  httpHandler(req: IncomingMessage, res: ServerResponse): Promise<void>;
  server: Server | undefined;
  stream: EventStream;
  sockets: GraphqlSockets | undefined;
  authenticator: Authenticator | undefined;
  watch: DeadlineTimer;
  transfers: TransferWatch;
  load: ResourceUsage;
  throttle: Throttle;
  graphqlSchema: GraphQLSchema;
  discovery: SchemaDiscovery | undefined;
}

/** GraphQL over HTTP for everybody outside, and the pages and checks around it. */
export default function apiService(broker: ServiceBroker): ServiceSchema {
  const config = configOf(broker);
  const pageAliases = Object.fromEntries(
    Object.entries(pages(config)).map(([path, page]) => [path, caught(page)]),
  );
  const stream = new EventStream();

  return {
    name: gatewayName,
    mixins: [ApiGateway as Partial<ServiceSchema>],
    actions: {
      // None of these is for anybody outside this process.
      addRoute: false,
      removeRoute: false,
      listAliases: false,
      // A request's URL may hold a document, and so whatever its sender has written into it.
      rest: { tracing: { tags: { params: ["req.method"] }, spanName: spanNameOf } },
    },
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
      routes: [{ path: "/", bodyParsers: false, mappingPolicy: "restrict", aliases: pageAliases }],
    },
    events: {
      ...eventsFor(stream),
      "$services.changed"(this: Gateway) {
        this.discovery?.refresh();
      },
    },
    created(this: Gateway) {
      this.stream = stream;
      this.watch = new DeadlineTimer();
      this.transfers = new TransferWatch();
      this.load = new ResourceUsage();
    },
    async started(this: Gateway) {
      const { broker, load, transfers, watch } = this;
      const authenticator = authenticatorOf(broker, () => this.sockets?.review());
      const rules = new BrowserRules(config.edge.corsOrigins);
      const composer = new SchemaComposer({
        broker,
        stream,
        publicReads: config.publicReads,
        revocationOf: authenticator.whyNotTold.bind(authenticator),
      });
      const base = composer.compose([]);
      this.graphqlSchema = base;
      const execution = new GraphqlExecution(base, queryCosts(base), config.edge, broker.logger);
      if (config.edge.discovery) {
        this.discovery = new SchemaDiscovery(broker, composer, base, (schema) => {
          this.graphqlSchema = schema;
          execution.useSchema(schema, queryCosts(schema, base));
        });
        this.discovery.refresh();
      }
      const addresses = senderAddresses(config.edge.trustedProxies);
      const origin = {
        watch,
        load,
        transfers,
        places: new ConcurrencyLimit(),
        turns: new FairQueue(),
        logger: broker.logger,
        viewerOf: authenticator.viewerOf.bind(authenticator),
        addressOf: addresses.of,
        isForeign: rules.isForeign.bind(rules),
        headersFor: rules.headersFor.bind(rules),
        newContext: (req?: IncomingMessage) => contextOf(this, req),
      };
      const graphql = graphqlOverHttp(execution, origin);
      this.throttle = execution.throttle;
      const idOf = (req: IncomingMessage) => requestNameOf(req).requestID ?? randomUUID();
      const isHealthCheck = healthChecks(origin.newContext, addresses.of, idOf);
      const admitsPage = pageGate(execution.throttle, load);
      this.server = createServer(serverTimeouts, (req, res) => {
        if (!countWaiting(req, res) || isClosing(req)) return;
        toOriginForm(req);
        if (rules.answersPreflight(req, res)) {
          dropBody(req);
          return;
        }
        // Node itself leaves the body of its answer away.
        if (req.method === "HEAD") req.method = "GET";
        if (graphqlUrl.test(req.url ?? "")) {
          graphql(req, res).catch((error: unknown) => {
            failed(broker, error, req, res);
          });
          return;
        }
        dropBody(req);
        setHeaders(res, rules.headersFor(req));
        if (isHealthCheck(req, res)) return;
        if (!admitsPage(addressGroup(addresses.of(req)), res)) return;
        this.httpHandler(req, res).catch((error: unknown) => {
          failed(broker, error, req, res);
        });
      });
      limitConnections(this.server, load, addresses.isProxy);
      this.sockets = new GraphqlSockets(execution, origin);
      this.sockets.attach(this.server, graphqlUrl);
      this.authenticator = authenticator;
      authenticator.start();
      watch.start();
      transfers.start();
      await listen(this.server, config.port, config.host);
    },
    async stopped(this: Gateway) {
      await this.authenticator?.stop();
      this.sockets?.close();
      await closeServer(this.server);
      this.watch.stop();
      this.transfers.stop();
    },
  } as unknown as ServiceSchema;
}

/** Each gateway hears of every event that somebody can subscribe to: each is a group of its own. */
function eventsFor(stream: EventStream): ServiceSchema["events"] {
  const group = `${gatewayName}-${randomUUID()}`;
  const handler = ({ params }: Context<EventEnvelope>) => {
    stream.publish(params);
  };
  const published = ({ params }: Context<{ tag?: unknown; payload?: unknown }>) => {
    const type = publishedType(String(params.tag));
    stream.publish({ type, version: 1, data: params.payload });
  };
  const events = Object.fromEntries(subscribedEvents().map((type) => [type, { group, handler }]));
  return { ...events, "graphql.publish": { group, handler: published } };
}

/** Where GraphQL is served; `/query` is the original's path. */
const graphqlUrl = /^\/(?:graphql|query)\/?(?:\?|$)/;

/** The context that a request calls from: the gateway's own, under the request's name. */
function contextOf(service: Gateway, req: IncomingMessage | undefined): Context<unknown, Meta> {
  const { broker } = service;
  const named = req === undefined ? {} : requestNameOf(req);
  // No action is at work: it is called by none. The type would have one.
  const ctx = broker.ContextFactory.create(broker, null as never, {}, named);
  return Object.assign(ctx as Context<unknown, Meta>, { service });
}

function requestNameOf(req: IncomingMessage): { requestID?: string } {
  const named: { requestID?: string } = {};
  const { "x-request-id": name } = req.headers;
  if (typeof name === "string") named.requestID = name;
  nameRequest(named, req);
  return named;
}

function spanNameOf({ params: { req } }: Context<{ req: IncomingMessage }>): string {
  return `${req.method ?? ""} ${req.url?.split("?", 1)[0] ?? ""}`;
}

/** moleculer-web does not wait for its aliases: what one of them throws would end the process. */
function caught(handler: Handler): Handler {
  return async function (req, res) {
    try {
      await handler.call(this, req, res);
    } catch (error) {
      failed(this.broker, error, req, res);
    }
  };
}

/** Answers what was not foreseen, unless the sender has left in the middle of their request. */
function failed(
  { logger }: ServiceBroker,
  error: unknown,
  req: IncomingMessage,
  res: ServerResponse,
): void {
  if (req.destroyed && !req.complete) return;
  sendError(res, error, logger);
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
