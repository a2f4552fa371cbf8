import type { BrokerOptions, Middleware, ServiceBroker, Transporters } from "moleculer";
import { FailureDetector, strategyAvoiding } from "./broker/failure-detector.ts";
import { logger } from "./broker/logger.ts";
import { InlinePrometheusReporter, PrometheusReporter } from "./broker/metrics-reporter.ts";
import { reconnectDelay } from "./broker/nats-reconnect.ts";
import { NatsTransporter, type Undelivered } from "./broker/nats-transporter.ts";
import { ParameterValidator } from "./broker/parameter-validator.ts";
import { vitalsService } from "./broker/vitals/vitals-service.ts";
import type { Runner } from "./commands/node/runner.ts";
import { setConfig } from "./config/broker-config.ts";
import { isPrivate, uniqueNodeId, type Config } from "./config/config.ts";
import type { NatsConfig } from "./config/nats-config.ts";
import { isRetryable } from "./core/errors.ts";
import { accessMiddleware } from "./middlewares/access.middleware.ts";
import { clockMiddleware } from "./middlewares/clock.middleware.ts";
import { deadlineMiddleware } from "./middlewares/deadline.middleware.ts";
import { failoverMiddleware } from "./middlewares/failover.middleware.ts";
import { inputMiddleware } from "./middlewares/input.middleware.ts";
import {
  bulkheadMiddleware,
  loadLimitMiddleware,
} from "./middlewares/moleculer/bulkhead.middleware.ts";
import { debounceMiddleware } from "./middlewares/moleculer/debounce.middleware.ts";
import { fallbackMiddleware } from "./middlewares/moleculer/fallback.middleware.ts";
import { metricsMiddleware } from "./middlewares/moleculer/metrics.middleware.ts";
import { quietRetryMiddleware } from "./middlewares/moleculer/retry.middleware.ts";
import { reconnectMiddleware } from "./middlewares/reconnect.middleware.ts";
import { optionsMiddleware } from "./middlewares/options.middleware.ts";
import { traceMiddleware } from "./middlewares/trace.middleware.ts";
import { trackingMiddleware } from "./middlewares/tracking.middleware.ts";

/** An unanswered call fails with SERVICE_UNAVAILABLE after this time. Clients are promised 5 s. */
const requestTimeoutMs = 4_000;
/** A stopping node waits this long for running calls. */
const shutdownTimeoutMs = 8_000;
/** The most results of cached actions in a node's memory (LRU). */
const maxCachedResults = 1_000;

/** Replaces NATS, and the databases that are not configured, in a single process. */
export interface Embedded {
  transporter?: InstanceType<typeof Transporters.Base>;
  databaseUrls?: Partial<Config["databaseUrls"]>;
}

/**
 * For `moleculer-runner --config moleculer.config.ts`: a cluster node that the environment
 * configures, like a node of `npm run serve`.
 */
export default async function moleculerConfig(this: Runner): Promise<BrokerOptions> {
  // Imported here, so that other nodes do not load the REPL and the hot reload.
  const { runnerOptions } = await import("./commands/node/runner.ts");
  return runnerOptions(this, brokerOptions);
}

/**
 * Returns the broker options, which are the same for every node.
 *
 * @param role the prefix of the node's id, e.g. `orders` or `repl`
 */
export function brokerOptions(
  config: Config,
  role: string,
  { transporter, databaseUrls }: Embedded = {},
): BrokerOptions {
  const { nats } = config;
  const detector = new FailureDetector();
  return {
    namespace: config.namespace,
    nodeID: uniqueNodeId(role),
    metadata: { isPrivate: isPrivate(config) },
    transporter: nats
      ? natsTransporter(nats, detector.undelivered.bind(detector))
      : (transporter ?? null),
    registry: { strategy: strategyAvoiding(detector.suspects) },
    // JSON is by far the fastest of Moleculer's serializers. Dates are sent as ISO texts.
    serializer: "JSON",
    validator: new ParameterValidator(),
    logger: logger(config.logFormat),
    logLevel: {
      // At lower levels it logs unreadable packets, which may contain passwords.
      TRANSPORTER: levelWithoutPayloads(config),
      // Cache keys contain the parameters of calls.
      CACHER: levelWithoutPayloads(config),
      "**": config.logLevel,
    },
    requestTimeout: requestTimeoutMs,
    // The failure detector notices killed and paused nodes within half a second. The heartbeat is
    // for lost machines; a node that is only slow must not be removed.
    heartbeatInterval: 2,
    heartbeatTimeout: 15,
    // The other nodes know a service before this node is ready, so that an older node can stop then.
    // By default, Moleculer tells them a second later. Its type lacks the option.
    transit: { serviceChangedDebounceTime: 0 } as NonNullable<BrokerOptions["transit"]>,
    retryPolicy: {
      // Each action has its own policy: a mutation is retried only with an idempotency key.
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
    metrics: {
      enabled: config.metrics,
      // `process-metrics.ts` has those that are useful.
      collectProcessMetrics: false,
      // Moleculer accepts an instance, but its type does not.
      reporter: (config.metricsPort
        ? new PrometheusReporter({ port: config.metricsPort, host: config.host })
        : new InlinePrometheusReporter()) as unknown as "Prometheus",
    },
    // Used by actions with the option "cache". Entries without a `ttl` stay until they are cleaned.
    // No `ttl` here: each read of an entry would restart it.
    cacher: { type: "MemoryLRU", options: { max: maxCachedResults, clone: true } },
    // Moleculer's middlewares in their order. A factory in place of a name does less work per call
    // (Moleculer accepts factories, but its type does not). There is no circuit breaker: it blames a
    // node for timeouts of the calls that the node itself waits for, and removes even the last node.
    internalMiddlewares: false,
    // Adds actions to `$node`, which each node has.
    ...(config.console && { internalServices: { $node: vitalsService() } }),
    middlewares: [
      "ActionHook",
      "Validator",
      bulkheadMiddleware as unknown as Middleware,
      "Cacher",
      "ContextTracker",
      "Timeout",
      loadLimitMiddleware(),
      quietRetryMiddleware as unknown as Middleware,
      fallbackMiddleware as unknown as Middleware,
      "ErrorHandler",
      metricsMiddleware as unknown as Middleware,
      debounceMiddleware as unknown as Middleware,
      "Throttle",
      optionsMiddleware(),
      ...(nats ? [failoverMiddleware(detector), reconnectMiddleware(), clockMiddleware()] : []),
    ],
    created(broker: ServiceBroker) {
      setConfig(broker, { ...config, databaseUrls: { ...config.databaseUrls, ...databaseUrls } });
      // Added after Moleculer's middlewares, and so outside the validator: a caller without access
      // does not learn what is wrong with the parameters.
      broker.middlewares.add(inputMiddleware());
      broker.middlewares.add(accessMiddleware(config.publicReads));
      for (const reason of config.ignoredTracing) {
        broker.logger.warn(`OpenTelemetry ignores a setting: ${reason}.`);
      }
      broker.middlewares.add(traceMiddleware(config.traces));
      // Outside Moleculer's tracking and retries, which these two control.
      broker.middlewares.add(trackingMiddleware());
      broker.middlewares.add(deadlineMiddleware());
    },
  };
}

function levelWithoutPayloads({ logLevel }: Config): Config["logLevel"] {
  return logLevel === "debug" || logLevel === "trace" ? "info" : logLevel;
}

/** The longest random parts of the pauses between attempts to connect to NATS: the client's defaults. */
const jitterMs = 100;
const tlsJitterMs = 1_000;

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
      // Nodes and NATS may start in any order, and NATS may be unavailable for any time.
      waitOnFirstConnect: true,
      maxReconnectAttempts: -1,
      // Credentials are rejected for a while when they are replaced. By default, the second rejection
      // closes the connection for good.
      ignoreAuthErrorAbort: true,
      // One address of a name may be dead; by default, a connection may take 20 s.
      timeout: 5_000,
      reconnectDelayHandler: reconnectDelay(servers.length, tls ? tlsJitterMs : jitterMs),
      // A connection without answers is closed after three pings.
      pingInterval: 750,
    },
    onUndelivered,
  );
}
