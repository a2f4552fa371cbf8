import type { GraphQLError, GraphQLSchema } from "graphql";
import type { EdgeConfig } from "../../../config/edge-config.ts";
import { tooManyRequests } from "../../../core/errors.ts";
import { callerOf, costShareOf } from "../limits/callers.ts";
import type { QueryCosts } from "../limits/query-cost.ts";
import type { ResourceUsage } from "../limits/resource-usage.ts";
import { RowsInFlight } from "../limits/rows-in-flight.ts";
import { Throttle } from "../limits/throttle.ts";
import type { OperationMetrics } from "../observability/operation-metrics.ts";
import type { RequestLog } from "../observability/request-log.ts";
import { PreparedOperation, roomOfLargeQueries, type GatewayParts } from "./prepared-operation.ts";
import { DocumentError, formatError, type FormattedError } from "./graphql-errors.ts";
import type { Operation, RequestParams, RequestSender } from "./graphql-operation.ts";
import { RequestChecks } from "./request-checks.ts";

/** The base cost of a request. */
export const requestCost = 1;

/** The cost of a rejected document, which was parsed and validated. */
const rejectedDocumentCost = 50;

/** Received bytes that cost as much as one value. */
export const bytesPerCost = 128;

/** What an execution needs from the gateway. */
interface ExecutionParts {
  usage: ResourceUsage;
  metrics: OperationMetrics;
  log: RequestLog;
}

/** Checks, throttles and executes GraphQL requests. */
export class GraphqlExecution {
  /** The throttle of all callers, for work outside of GraphQL execution as well. */
  readonly throttle: Throttle;
  readonly #checks: RequestChecks;
  readonly #edge: EdgeConfig;
  readonly #parts: GatewayParts;
  readonly #metrics: OperationMetrics;
  readonly #log: RequestLog;

  constructor(
    schema: GraphQLSchema,
    costs: QueryCosts,
    edge: EdgeConfig,
    { usage, metrics, log }: ExecutionParts,
  ) {
    this.throttle = new Throttle(edge.rateLimitPerSecond);
    this.#checks = new RequestChecks(schema, costs, edge, this.throttle);
    this.#edge = edge;
    this.#metrics = metrics;
    this.#log = log;
    this.#parts = {
      throttle: this.throttle,
      rows: new RowsInFlight(),
      largeQueries: roomOfLargeQueries(),
      usage,
      metrics,
      toClient: (error, requestId) => this.toClient(error, requestId),
    };
    metrics.begin(schema);
  }

  /** Replaces the schema. Operations that have started keep the old schema. */
  useSchema(schema: GraphQLSchema, costs: QueryCosts): void {
    this.#checks.useSchema(schema, costs);
    this.#metrics.begin(schema);
  }

  /** Throws TOO_MANY_REQUESTS if the caller's bucket is in debt. */
  admit(caller: string): void {
    this.#charge(caller, 0);
  }

  /**
   * Charges a caller for the bytes of a request, before they are parsed. Throws a ClientError with
   * TOO_MANY_REQUESTS.
   */
  chargeBytes(caller: string, bytes: number): void {
    this.#charge(caller, Math.floor(bytes / bytesPerCost));
  }

  /** Whether the document of a request is in the cache, so that its check takes little CPU time. */
  isCached(params: RequestParams): boolean {
    return this.#checks.isCached(params);
  }

  /**
   * Checks the form, the document, the variables and the cost of a request, and charges its caller.
   * Throws a DocumentError, or a ClientError with TOO_MANY_REQUESTS. Calls no action.
   */
  prepare(params: RequestParams, sender: RequestSender): Operation {
    const { viewer, address } = sender;
    const caller = callerOf(viewer, address);
    const startedMs = performance.now();
    try {
      this.#charge(caller, requestCost);
      const request = this.#checks.check(params, caller);
      this.#charge(caller, costShareOf(viewer) * request.cost.expected);
      return new PreparedOperation(request, sender, caller, this.#parts);
    } catch (error) {
      const codes = this.#metrics.rejected(error);
      sender.onDone?.({ fields: [], codes }, performance.now() - startedMs);
      // The debt rejects the caller's next request.
      if (error instanceof DocumentError) this.throttle.settle(caller, rejectedDocumentCost);
      throw error;
    }
  }

  #charge(caller: string, cost: number): void {
    const retryAfter = this.throttle.take(caller, cost);
    if (retryAfter === undefined) return;
    const message = "You have exceeded the rate limit. Try again after `retryAfter` seconds.";
    throw tooManyRequests(message, retryAfter);
  }

  /** Formats an error for the client. Logs a fault of the shop under the request id. */
  toClient(error: GraphQLError, requestId: string): FormattedError {
    const formatted = formatError(error, requestId, (fault) => {
      this.#log.fault(requestId, fault);
    });
    if (this.#edge.suggestions) return formatted;
    return { ...formatted, message: formatted.message.replace(/ Did you mean .*\?/s, "") };
  }
}
