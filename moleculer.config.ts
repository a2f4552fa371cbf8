import type { BrokerOptions, Middleware, ServiceBroker, Transporters } from "moleculer";
import { accessMiddleware } from "./middlewares/access.middleware.ts";
import type { Runner } from "./commands/runner.ts";
import { setConfig } from "./config/broker-config.ts";
import { isPrivate, uniqueNodeId, type Config, type NatsConfig } from "./config/config.ts";
import { debounceMiddleware } from "./middlewares/debounce.middleware.ts";
import { fallbackMiddleware } from "./middlewares/fallback.middleware.ts";
import { inputMiddleware } from "./middlewares/input.middleware.ts";
import { isRetryable } from "./core/errors.ts";
import { failoverMiddleware } from "./middlewares/failover.middleware.ts";
import { logPrinter } from "./broker/log-printer.ts";
import { metricsMiddleware } from "./middlewares/metrics.middleware.ts";
import { InlinePrometheusReporter } from "./broker/metrics-reporter.ts";
import { NatsTransporter, type Undelivered } from "./broker/nats-transporter.ts";
import { FailureDetector, strategyAvoiding } from "./broker/failure-detector.ts";
import { QuietValidator } from "./broker/quiet-validator.ts";
import { optionsMiddleware } from "./middlewares/options.middleware.ts";
import { retryMiddleware } from "./middlewares/retry.middleware.ts";
import { samplingMiddleware } from "./middlewares/sampling.middleware.ts";
import { traceMiddleware } from "./middlewares/trace.middleware.ts";
import { trackingMiddleware } from "./middlewares/tracking.middleware.ts";

/** An unanswered call is SERVICE_UNAVAILABLE after this long; clients are promised 5 s. */
const requestTimeoutMs = 4_000;
/** How long a stopping node finishes what it has begun. */
const shutdownTimeoutMs = 8_000;
/** Results of cached actions that a node keeps; the least recently used ones go first. */
const maxCachedResults = 1_000;

/** What stands in for NATS, and for the databases that are not configured, in a single process. */
export interface Embedded {
  transporter?: InstanceType<typeof Transporters.Base>;
  databaseUrls?: Partial<Config["databaseUrls"]>;
}

/**
 * For `moleculer-runner --config moleculer.config.ts`: a node of a cluster, configured by the
 * environment like one of `npm run serve`.
 */
export default async function moleculerConfig(this: Runner): Promise<BrokerOptions> {
  // Only here, so that other nodes do not load the console and the hot reload.
  const { runnerOptions } = await import("./commands/runner.ts");
  return runnerOptions(this, brokerOptions);
}

/**
 * The broker's options, the same for every node.
 *
 * @param role what the node's id begins with, e.g. `orders` or `repl`
 */
export function brokerOptions(
  config: Config,
  role: string,
  { transporter, databaseUrls }: Embedded = {},
): BrokerOptions {
  const { nats } = config;
  const watch = new FailureDetector();
  return {
    namespace: config.namespace,
    nodeID: uniqueNodeId(role),
    metadata: { isPrivate: isPrivate(config) },
    transporter: nats
      ? natsTransporter(nats, watch.undelivered.bind(watch))
      : (transporter ?? null),
    registry: { strategy: strategyAvoiding(watch.suspects) },
    // JSON is the fastest of Moleculer's serializers by far; dates travel as ISO texts.
    serializer: "JSON",
    validator: new QuietValidator(),
    logger: logger(config),
    logLevel: {
      // Below that it logs packets that it cannot read, as they are: with the passwords in them.
      TRANSPORTER: quietLevel(config),
      // Keys hold the parameters of the calls.
      CACHER: quietLevel(config),
      "**": config.logLevel,
    },
    requestTimeout: requestTimeoutMs,
    // Nodes that were killed or stand still are noticed by their calls, in less than half a second.
    // This is for those whose machine is lost; one that is only slow must not be taken away for it.
    heartbeatInterval: 2,
    heartbeatTimeout: 15,
    retryPolicy: {
      // Actions say for themselves: a call that changes something is repeated only with a key.
      enabled: false,
      retries: 0,
      delay: 50,
      factor: 3,
      maxDelay: 500,
      check: (error) => isRetryable(error),
    },
    tracking: { enabled: true, shutdownTimeout: shutdownTimeoutMs },
    // The commands handle signals themselves, so that the embedded database stops last.
    skipProcessEventRegistration: true,
    ...(config.traces && { tracing: tracing(config.traces.url) }),
    metrics: {
      enabled: config.metrics,
      reporter: config.metricsPort
        ? { type: "Prometheus", options: { port: config.metricsPort, host: config.host } }
        : // A ready instance works, but is missing from the type.
          (new InlinePrometheusReporter() as unknown as "Prometheus"),
    },
    // For actions with the option "cache" only; entries without a `ttl` stay until they are cleaned.
    // No `ttl` here: an entry that is read would then begin its time anew.
    cacher: { type: "MemoryLRU", options: { max: maxCachedResults, clone: true } },
    // Moleculer's own, in their order; where a factory stands in place of a name, it does less work
    // for a call (a factory works, but is missing from the type). No circuit breaker: it counts the
    // time-outs of what a node itself waits for against this node, and takes away the last one.
    internalMiddlewares: false,
    middlewares: [
      "ActionHook",
      "Validator",
      "Bulkhead",
      "Cacher",
      "ContextTracker",
      "Timeout",
      "Retry",
      fallbackMiddleware as unknown as Middleware,
      "ErrorHandler",
      samplingMiddleware(config.traces?.percent ?? 0) as unknown as Middleware,
      metricsMiddleware as unknown as Middleware,
      debounceMiddleware as unknown as Middleware,
      "Throttle",
      optionsMiddleware(),
      ...(nats ? [failoverMiddleware(watch)] : []),
    ],
    created(broker: ServiceBroker) {
      setConfig(broker, { ...config, databaseUrls: { ...config.databaseUrls, ...databaseUrls } });
      // Added after Moleculer's own middlewares, so that they stand outside the validator: who
      // may not call at all does not learn what is wrong with the parameters.
      broker.middlewares.add(inputMiddleware());
      broker.middlewares.add(accessMiddleware(config.publicReads));
      broker.middlewares.add(traceMiddleware());
      // Outside the tracking that it turns off, and the retries that it allows.
      broker.middlewares.add(trackingMiddleware());
      broker.middlewares.add(retryMiddleware(requestTimeoutMs));
    },
  };
}

function quietLevel({ logLevel }: Config): Config["logLevel"] {
  return logLevel === "debug" || logLevel === "trace" ? "info" : logLevel;
}

function logger({ logFormat }: Config): NonNullable<BrokerOptions["logger"]> {
  const colors = logFormat !== "json";
  const objectPrinter = logPrinter(colors && process.stdout.isTTY);
  return { type: "Console", options: { formatter: logFormat, colors, objectPrinter } };
}

function tracing(url: string): NonNullable<BrokerOptions["tracing"]> {
  return {
    enabled: true,
    // Moleculer's default: parameters, and so passwords.
    tags: { action: { params: false, meta: false } },
    exporter: { type: "Zipkin", options: { baseURL: url } },
  };
}

function natsTransporter(
  { servers, user, password, token, tls }: NatsConfig,
  onUndelivered: Undelivered,
): NatsTransporter {
  return new NatsTransporter(
    {
      servers,
      ...(user !== undefined && { user, pass: password ?? "" }),
      ...(token !== undefined && { token }),
      ...(tls && { tls }),
      // Nodes and NATS may start in any order, and NATS may be away for as long as it likes.
      waitOnFirstConnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      // A connection that was lost without a word is given up after three of these.
      pingInterval: 3_000,
    },
    onUndelivered,
  );
}
